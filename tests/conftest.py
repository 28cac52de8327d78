"""Fixtures for every Python test: one cluster per session, one house (database, broker, liftd) per module."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import liftdtest  # noqa: E402  (needs the path above)


@pytest.fixture(scope="session")
def cluster():
    """The session's PostgreSQL cluster; each module gets its own databases in it."""
    made = liftdtest.Cluster().start()
    yield made
    made.close()


@pytest.fixture(scope="module")
def house_settings():
    """Override in a module: {"section.key": value} for its liftd."""
    return {}


@pytest.fixture(scope="module")
def house_lifts():
    """Override in a module: how many lifts its house registers, one behind each device."""
    return 10


@pytest.fixture(scope="module")
def house(cluster, house_settings, house_lifts):
    """A running liftd with its own fresh database and broker."""
    made = liftdtest.House(cluster, house_settings, house_lifts)
    yield made
    made.close()


@pytest.fixture
def make_house(cluster):
    """make_house(settings=None, lifts=10, ...): a house of a test's own, closed after the test."""
    made = []

    def make(settings=None, lifts=10, **kwargs):
        kwargs.setdefault("cluster", cluster)
        made.append(liftdtest.House(settings=settings, lifts=lifts, **kwargs))
        return made[-1]
    yield make
    errors = []
    for house in reversed(made):
        try:
            house.close()
        except Exception as error:  # close all of them, then say what was wrong with the first
            errors.append(error)
    if errors:
        raise errors[0]


@pytest.fixture(autouse=True)
def _houses_stay_well(request):
    """After each test of a module house: liftd still runs and no sanitizer has spoken."""
    yield
    house = request.node.funcargs.get("house")
    if house is not None and not house.closed:
        house.check()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failing test shows the end of liftd's log."""
    outcome = yield
    report = outcome.get_result()
    house = item.funcargs.get("house") if hasattr(item, "funcargs") else None
    if report.failed and house is not None:
        report.sections.append(("liftd said", liftdtest.log_tail(house.log_path)))
