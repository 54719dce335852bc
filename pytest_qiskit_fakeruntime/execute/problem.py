"""What can be wrong with a job, told once for both moments at which it is noticed."""

from __future__ import annotations

from ..world.execution import JobFailed, Rejected


class Problem(Exception):
    """Something the user can be told about a job.

    It leaves the engine as `Rejected` when the job is submitted, as `JobFailed` when it runs.

    Attributes:
        code: IBM's error code.
        message: What is wrong.
        solution: What to do about it.
        status: HTTP status of the answer to a submission.
    """

    def __init__(self, code: int, message: str, solution: str = "", status: int = 400) -> None:
        super().__init__(code, message, solution, status)
        self.code = code
        self.message = message
        self.solution = solution
        self.status = status

    def rejected(self) -> Rejected:
        """This problem as the answer to a submission."""
        return Rejected(self.code, self.message, self.solution, self.status)

    def failed(self) -> JobFailed:
        """This problem as the end of a job."""
        return JobFailed(self.code, self.message, self.solution)


# IBM's error registry; what it lacks is the nearest that it has.
INVALID_BODY = 1208
NO_PROGRAM = 1213
TOO_MANY_QUBITS = 1109
NOT_ISA = 1517
QASM = 1603
MEASUREMENT_LEVEL = 8009
REPETITION_DELAY = 8030
TOO_MANY_EXECUTIONS = 3248
CANNOT_RUN = 5203
SIMULATOR = 5204
INTERNAL = 9999
TOO_MANY_SHOTS = 6000
TOO_FEW_SHOTS = 6001
