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
# # Comparing losses: which is better, and is it more than chance?
#
# Short definitions from WordNet, in 24 kinds of things. Half of each kind are for training, the
# others for the test.

# %%
import simlab as sl

items = sl.load("wordnet-glosses").split(by="item", test=0.5, seed=0)
encoder = sl.encoder("minilm")

# %% [markdown]
# A sweep is a loop: every loss with two seeds. The definitions are encoded once; each run trains a
# head on remembered vectors.

# %%
losses = ["supcon", "triplet", "softmax"]
runs = {loss: [sl.fit(items, encoder, loss=loss, seed=s) for s in (0, 1)] for loss in losses}
spaces = {loss: [sl.embed(items, run) for run in several] for loss, several in runs.items()}

# %% [markdown]
# A list under one name holds the seeds of one setting. Each space is compared with the baseline
# query by query; *better* and *worse* stand only where a paired test says so, corrected for all
# comparisons of the table.

# %%
comparison = sl.compare({"frozen": sl.embed(items, encoder)} | spaces)
comparison

# %% [markdown]
# The figures behind the words.

# %%
comparison.differences

# %% [markdown]
# Is the default better than the others? Choose it as the baseline.

# %%
among = sl.compare(spaces, against="supcon")
print(among)

# %% [markdown]
# Which kinds of things did training help, and which not?

# %%
classes = comparison.classes.query("space == 'supcon'")
classes.iloc[[0, 1, 2, -3, -2, -1]]

# %% [markdown]
# Which queries get other answers? Their neighbors are kept, for a closer look with `sl.gallery`.

# %%
comparison.changes("supcon", max_queries=4)
