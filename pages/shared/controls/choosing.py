"""A choice between a few words, kept in the address."""

from collections.abc import Collection

import streamlit as st

from core.choices import FORMER_NOISES, NETWORKS
from core.sweep.grids import CURED


def choice(label: str, names: dict[str, str], key: str, first: str = "") -> str:
    """Show a choice and return the key of the chosen name.

    first: chosen at first, and for an unknown word in the address; by default the first key.
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
    """Return the key that a choice shows before anything is chosen.

    An address contains the words of a choice. This also accepts its key, as typed by hand, and the
    key that an earlier version used.
    """
    by_key = st.query_params.get(key, usual)
    by_key = FORMER_NOISES.get(by_key, by_key)
    return by_key if by_key in offered else usual


def chosen(names: dict[str, str], key: str, first: str = "") -> str:
    """Return the key that is chosen now; this also works within a button's action.

    An empty word in the address chooses nothing: then the result is the first key.
    """
    value = st.session_state.get(key)
    return value if value in names else first or next(iter(names))


CURED_NETWORKS = {model: NETWORKS[model].short for model in CURED}


def cured_network(first: str = "") -> str:
    """Show the choice of networks with stored runs against wrong labels; return the chosen one."""
    return choice("Network", CURED_NETWORKS, "network", first)


def chosen_network() -> str:
    """Return the network that is chosen in `cured_network`."""
    return chosen(CURED_NETWORKS, "network")
