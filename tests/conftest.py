"""What every test runs under, and the figures that tests measured, which are printed at the end and asserted nowhere."""

import pytest
import structlog
from _pytest.terminal import TerminalReporter
from hypothesis import settings

settings.register_profile("untimed", deadline=None)  # how long an example takes says nothing about whether it is right
settings.load_profile("untimed")

# A traceback with every local variable in it, as structlog likes it, takes seconds to write.
structlog.configure(
    processors=[structlog.processors.add_log_level, structlog.processors.format_exc_info, structlog.processors.LogfmtRenderer()]
)

FIGURE = "figure"
"""Name of the property."""


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Each `record_property(FIGURE, …)` as a line, also of tests that ran in other processes."""
    figures = [
        said
        for reports in terminalreporter.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport)
        for name, said in report.user_properties
        if name == FIGURE and report.when == "call"
    ]
    if figures:
        terminalreporter.section("measured")
        for said in sorted(figures):
            terminalreporter.write_line(str(said))
