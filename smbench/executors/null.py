"""The executor that does nothing: what the harness itself costs, and the largest rate it can reach."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from smbench.executors.base import Executor, ExecutorContext, Handler
from smbench.workload.calls import CALLS, Call


class NullExecutor(Executor):
    """Accepts every call and answers 0; its outcomes mean nothing and are not compared."""

    name: ClassVar[str] = "null"
    compares: ClassVar[bool] = False
    touches_files: ClassVar[bool] = False
    keeps_names: ClassVar[bool] = False

    def __init__(self, context: ExecutorContext) -> None:
        del context

    def handlers(self) -> Mapping[type[Call], Handler]:
        return dict.fromkeys(CALLS.values(), _nothing)

    def close(self) -> None:
        """Nothing is open."""


def _nothing(_call: Call) -> int:
    return 0
