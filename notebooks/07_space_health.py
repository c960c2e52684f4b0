# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What does a space mix up, and what does training change?
#
# Short definitions from WordNet, in 24 kinds of things, placed by a small language model. Half of
# each kind are for training; this page looks at the others.

# %%
import simlab as sl
from simlab.space import changes, diagnose
from simlab.views import confusion_map

items = sl.load("wordnet-glosses").split(by="item", test=0.5, seed=0)
encoder = sl.encoder("minilm")
before = sl.embed(items, encoder).where(split="test")

# %% [markdown]
# Everything about one space: how items spread, which kinds are mixed up, which definitions find
# nothing of their kind, which are neighbors of too many, which may be labeled wrongly.

# %%
found = diagnose(before)
found

# %% [markdown]
# Which kind is the nearest neighbor of? Kinds that are mixed up stand side by side; pairs that are
# more than chance are framed.

# %%
confusion_map(found)

# %% [markdown]
# The figures behind it: how often, by how many different neighbors, and what the test says.

# %%
columns = ["label", "neighbor", "n", "of", "share", "low", "high", "back", "n_items", "is_confused"]
found.confusions.pairs[columns].head(8)

# %% [markdown]
# Why? Definitions of the most confused pair, with their neighbors.

# %%
sl.gallery(found.confusions.between(), max_queries=3)

# %% [markdown]
# The hardest definitions of all: a friend is far, strangers are near.

# %%
sl.gallery(found.hardest.neighbors, max_queries=3)

# %% [markdown]
# Now train a head. What did it fix, what did it break, and is that more than chance?

# %%
after = sl.embed(items, sl.fit(items, encoder)).where(split="test")
change = changes(before, after, names=("frozen", "trained"))
change

# %% [markdown]
# What training broke, both answers one below the other.

# %%
sl.gallery(change.broken, max_queries=3)

# %% [markdown]
# Is the space as a whole healthier? Read the intervals: friends lie closer, but more definitions
# are nobody's neighbor.

# %%
again = diagnose(after)
again

# %% [markdown]
# And which kinds are still mixed up?

# %%
confusion_map(again)
