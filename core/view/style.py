"""The style that all charts share: colors and short names of the quantities, and axes."""

from typing import Any

import altair as alt

from core.choices import CORRUPTIONS
from core.config import LEVELS
from core.view.words import CHANCE, CHANGED, CHANGED_MEAN, FLOOR, RIGHT_FLOOR, RULE_FLOOR, TIME_TO_FIT

SHORT = {  # names at the end of a line, where there is less room
    "error on right labels": "right labels",
    "predicted as the true class": "true class",
    "wrong label repeated": "repeated",
    FLOOR: "no memorizing",
    RIGHT_FLOOR: "all correct",
    RULE_FLOOR: "by rule",
    CHANCE: "by chance",
}

# Okabe and Ito's palette, which color-blind people can tell apart, made darker so that lines and
# names have enough contrast on white (names 4.5, lines 3) and on black (3).
COLOURS = {
    "test error": "#C25400",
    "training error": "#0072B2",
    "error on right labels": "#3A87B5",
    "wrong label repeated": "#B0588A",
    "predicted as the true class": "#008560",
    **dict.fromkeys((FLOOR, RIGHT_FLOOR, RULE_FLOOR), "#946600"),
    CHANCE: "#6F757E",
    CHANGED: "#6F757E",
    CHANGED_MEAN: "#008560",
    "validation error": "#7A5AC8",
    TIME_TO_FIT: "#999933",  # Tol's olive
    "test loss": "#C25400",
    "training loss": "#0072B2",
}
WRONG_LABEL = "#D81B60"  # Tol's magenta, with a dashed frame and a cross
GREY = "#6F757E"  # other people's numbers
DASHES = {
    "error on right labels": [2, 2],
    CHANCE: [2, 3],
    **{name: [6, 4] for name in (FLOOR, RIGHT_FLOOR, RULE_FLOOR)},
}
SERIES_COLOURS = {  # by kind of data that a network is to fit
    "true labels": "#009E73",
    "random labels": "#D55E00",
    **{name.replace("-", " "): each.colour for name, each in CORRUPTIONS.items() if each.colour},
}


def enlarged(part: Any, size: int = 24) -> Any:
    """Return a part of a Vega-Lite specification with text of `size` pixels, for a projector."""
    if isinstance(part, list):
        return [enlarged(each, size) for each in part]
    if not isinstance(part, dict):
        return part
    words = {"labelFontSize": size, "titleFontSize": size, "labelLimit": 900}
    larger: dict[str, Any] = {}
    for name, each in part.items():
        if name in ("axis", "legend") and isinstance(each, dict):
            larger[name] = {**each, **words}
        elif name in ("x", "y") and isinstance(each, dict) and "type" in each:
            larger[name] = enlarged({"axis": {}, **each}, size)  # adds the axis where none is given
        elif name == "mark" and isinstance(each, dict) and each.get("type") == "text":
            larger[name] = {**each, "fontSize": size}
        elif name in ("data", "datasets"):
            larger[name] = each
        else:
            larger[name] = enlarged(each, size)
    return larger


def level_axis() -> alt.X:
    """Return the horizontal axis of the corruption level."""
    return alt.X(
        "level:Q",
        title="Corruption level p",
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(format="~%", values=list(LEVELS), labelOverlap=True),
    )


def share_axis(title: str, name: str = "value") -> alt.Y:
    """Return a vertical axis from 0% to 100%; name: the column with the values."""
    return alt.Y(
        f"{name}:Q",
        title=title,
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(format="~%", values=[0, 0.2, 0.4, 0.6, 0.8, 1]),
    )


def colour(quantities: list[str], has_legend: bool = True) -> alt.Color:
    """Return the colors by quantity. The legend leaves out CHANCE, which is named at its line."""
    scale = alt.Scale(domain=quantities, range=[COLOURS[quantity] for quantity in quantities])
    if not has_legend:  # each line is named at its end
        return alt.Color("quantity:N", scale=scale, legend=None)
    named = [quantity for quantity in quantities if quantity != CHANCE]
    # The browser knows the width: a phone has room for one name per row.
    narrow, columns = {2: (330, 2), 3: (420, 3)}.get(len(named), (420, 2))
    return alt.Color(
        "quantity:N",
        scale=scale,
        legend=alt.Legend(
            title=None,
            values=named if named != quantities else alt.Undefined,
            orient="top",
            symbolType="stroke",
            symbolStrokeWidth=4,
            symbolOpacity=1,
            columns=alt.ExprRef(f"width < {narrow} ? 1 : {columns}"),
            labelLimit=420,
        ),
    )
