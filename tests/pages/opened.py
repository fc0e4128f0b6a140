"""Opening a page through AppTest, and reading what it says."""

import json

from streamlit.testing.v1 import AppTest

from core.config import RunConfig
from pages.shared.frame.navigation import script
from pages.shared.frame.session import Session
from tests.samples import report_epochs

TITLES = {
    "start": "Can a network learn from lies?",
    "lab": "Lab",
    "guess": "Guess first",
    "curve": "The whole curve",
    "sweep": "The sweep",
    "stop": "Stop in time",
    "find": "Find the wrong labels",
    "defend": "Defend",
    "annotate": "Label them yourself",
    "weights": "How many weights?",
    "teacher": "Teacher",
    "present": "Label Corruption Lab",
}


def page_of(name: str) -> AppTest:
    """A page that has not run yet."""
    return AppTest.from_file(script(name), default_timeout=60)


def open_page(name: str, **address) -> AppTest:
    page = page_of(name)
    for key, value in address.items():
        page.query_params[key] = value
    return page.run()


def texts(page: AppTest) -> str:
    kinds = (page.markdown, page.caption, page.error, page.warning, page.info)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def popovers(page: AppTest) -> list[str]:
    """What stands on the buttons that open something."""
    return [block.proto.popover.label for block in page.get("popover")]


def viewer(page: AppTest) -> dict:
    """What the run viewer of this page is given to show; its first run's own values among the rest."""
    told = [json.loads(component.proto.json) for component in page.get("bidi_component")]
    data = next(json.loads(each["json"]) for each in told if "json" in each)
    for run in data["runs"]:
        run["lines"] = {
            name: [epoch[place] for epoch in run["told"]] for place, name in enumerate(data["values"])
        }
        run["said"] = [epoch[-2] for epoch in run["told"]]
        run["predicted"] = [epoch[-1] for epoch in run["told"]]
    return {**data, **data["runs"][0]}


def metrics(page: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


def finished(store, **settings) -> str:
    config = RunConfig(**{"level": 0.5, "epochs": 2, **settings})
    report_epochs(store, config, 2)
    store.report_end(config.run_id)
    return config.run_id


def press(page: AppTest, label: str) -> AppTest:
    return next(button for button in page.button if button.label == label).click().run()


def session_of(page: AppTest) -> Session:
    """What the page's session remembers; before its first run, an empty one to be filled."""
    if "session" not in page.session_state:
        page.session_state["session"] = Session()
    return page.session_state["session"]
