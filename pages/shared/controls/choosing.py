"""A choice of a few words, kept in the address."""

from collections.abc import Collection

import streamlit as st

from core.choices import FORMER_NOISES, NETWORKS
from core.sweep.grids import CURED


def choice(label: str, names: dict[str, str], key: str, first: str = "") -> str:
    """One of these by its name; an unknown word in the address chooses `first`.

    first: by default the first of them.
    """
    first = at_first(key, names, first or next(iter(names)))
    st.segmented_control(
        label,
        list(names),
        format_func=names.__getitem__,
        default=first,
        required=True,
        wrap=True,
        key=key,
        bind="query-params",
        label_visibility="collapsed",
    )
    return chosen(names, key, first)


def at_first(key: str, offered: Collection[str], usual: str) -> str:
    """What a choice shows before anything is chosen.

    An address holds the words of a choice; here its key is understood, too, as typed by hand, and
    what an earlier version called it.
    """
    by_key = st.query_params.get(key, usual)
    by_key = FORMER_NOISES.get(by_key, by_key)
    return by_key if by_key in offered else usual


def chosen(names: dict[str, str], key: str, first: str = "") -> str:
    """Where a choice stands, also within what a button does.

    An empty word in the address chooses nothing: then it is the first.
    """
    value = st.session_state.get(key)
    return value if value in names else first or next(iter(names))


CURED_NETWORKS = {model: NETWORKS[model].short for model in CURED}


def cured_network(first: str = "") -> str:
    """One of the networks of which runs against wrong labels are stored."""
    return choice("Network", CURED_NETWORKS, "network", first)


def chosen_network() -> str:
    """Where that choice stands."""
    return chosen(CURED_NETWORKS, "network")
