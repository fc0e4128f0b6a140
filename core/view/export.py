"""Print-ready figures and their data as files."""

import io
import textwrap

import altair as alt
import pandas as pd
import vl_convert

FIGURE_FORMATS = ("png", "svg", "pdf")
WIDTH, HEIGHT = 1100, 640  # points; vectors scale to any poster
PIXELS_PER_POINT = 4  # in a PNG: the plot has 4,400 pixels, A3 at 300 dpi
CHARACTERS = 118  # per line of the caption
TITLE_CHARACTERS = 72
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"


def figure(chart: alt.LayerChart, file_type: str, title: str, caption: str, source: str) -> bytes:
    """Return the chart as a poster-size file, with its title and caption above and its source below.

    file_type: one of FIGURE_FORMATS. Raises ValueError for any other.
    """
    if file_type not in FIGURE_FORMATS:
        raise ValueError(f"a figure is {' or '.join(FIGURE_FORMATS)}, not {file_type}.")
    spec = _framed(chart, title, caption, source).to_dict()
    if file_type == "svg":
        return vl_convert.vegalite_to_svg(spec).encode()
    if file_type == "pdf":
        return vl_convert.vegalite_to_pdf(spec)
    return vl_convert.vegalite_to_png(spec, scale=PIXELS_PER_POINT)


def csv(rows: pd.DataFrame) -> bytes:
    """Return the rows as a CSV file."""
    return rows.to_csv(index=False).encode()


def parquet(rows: pd.DataFrame) -> bytes:
    """Return the rows as a Parquet file."""
    content = io.BytesIO()
    rows.to_parquet(content, index=False)
    return content.getvalue()


def _framed(chart: alt.LayerChart, title: str, caption: str, source: str) -> alt.VConcatChart:
    heading = alt.TitleParams(
        textwrap.wrap(title, TITLE_CHARACTERS),
        subtitle=textwrap.wrap(caption, CHARACTERS),
        anchor="start",
        fontSize=28,
        subtitleFontSize=17,
        subtitleLineHeight=23,
        subtitlePadding=8,
        offset=18,
    )
    foot = textwrap.wrap(source, round(1.25 * CHARACTERS))
    line = (
        alt.Chart(pd.DataFrame({"text": ["\n".join(foot)]}))
        .mark_text(align="left", baseline="top", lineBreak="\n", fontSize=13, color="#555", x=0, y=0)
        .encode(text="text:N")
        .properties(width=WIDTH, height=18 * len(foot))
    )
    return (
        alt.vconcat(chart.properties(width=WIDTH, height=HEIGHT), line, spacing=14)
        .properties(title=heading)
        .configure(background="white", font=FONT, padding=28)
        .configure_view(strokeWidth=0)
        .configure_axis(labelFontSize=17, titleFontSize=19, titlePadding=12, gridColor="#e6e6e6")
        .configure_legend(labelFontSize=17, symbolSize=180)
    )
