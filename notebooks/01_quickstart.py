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
# # Quickstart: find the same emoji in another art style
#
# 400 emoji, each drawn by five studios. An encoder trained on photographs places them by color
# and shape. A small head on top of it learns in seconds what makes two drawings *the same emoji*,
# and is tested on 200 emoji that it has never seen.

# %%
import simlab as sl

# %% [markdown]
# Half of the emoji are for training, the other half, *unseen classes*, for the test.

# %%
items = sl.load("emoji-styles").split(by="label", test=0.5, seed=0)
items

# %% [markdown]
# Where does a pretrained encoder place them? Computed once, then remembered on disk.

# %%
encoder = sl.encoder("efficientnet-lite0")
frozen = sl.embed(items, encoder)
sl.score(frozen.where(split="test"))

# %% [markdown]
# Look: click a point, and see its nearest neighbors. The encoder knows yellow and round, not yet
# *the same emoji*.

# %%
sl.explore(frozen.where(split="test"), title="before training")

# %% [markdown]
# Learn which differences matter. Only a head is trained; a part of the training emoji is held out
# to stop in time.

# %%
run = sl.fit(items, encoder)
run

# %% [markdown]
# A run is an encoder again: embed, search, and look at what it finds for unseen emoji.

# %%
tuned = sl.embed(items, run)
explorer = sl.explore(tuned.where(split="test"), title="after training, unseen emoji")
explorer

# %%
index = sl.Index(tuned.where(split="test"))
neighbors = index.search(tuned.where(split="test", style="noto")[:8], k=6, exclude_self=True)
sl.gallery(neighbors)

# %% [markdown]
# What brings these neighbors near? Blue parts pull the two together, orange parts hold them
# apart.

# %%
explanation = sl.explain(neighbors[0], run)
explanation

# %% [markdown]
# Another loss is another run: comparing is a loop, and the cache makes it cheap.

# %%
spaces = {"frozen": frozen, "supcon": tuned}
spaces["triplet"] = sl.embed(items, sl.fit(items, encoder, loss="triplet"))
comparison = sl.compare(spaces)
comparison

# %% [markdown]
# Share it: one file that stays interactive with no kernel and no network.

# %%
story = (items, comparison, explorer, neighbors, explanation)
sl.report(*story, to="../reports/quickstart.html", title="The same emoji in another style")
