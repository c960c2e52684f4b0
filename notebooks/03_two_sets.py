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
# # Two data sets whose labels do not match, trained as one
#
# One set says which emoji a picture shows; the other only what kind of thing it is. Their labels
# cannot be compared: a cat of the first set may be an animal of the second, or not. Put together,
# pictures are compared within their own set, and one head learns from both.

# %%
import simlab as sl

emoji = sl.load("emoji-styles")
emoji.columns

# %% [markdown]
# Half of the emoji keep their names, the others only the subcategory.

# %%
halves = emoji.split(by="label", test=0.5, seed=1)
named = halves.where(split="train").split(by="label", test=0.5, seed=0)
other = halves.where(split="test")
kinds = other.with_column("label", other.column("subcategory")).with_min_count(10)
both = sl.Items.concat({"named": named, "kinds": kinds.split(by="label", test=0.3, seed=0)})
both

# %% [markdown]
# Between the two sets nothing is known, and nothing is guessed.

# %%
both.similarity.relevance([0], [1, len(both) - 1])

# %% [markdown]
# Batches hold pictures of one set at a time; the head sees both.

# %%
encoder = sl.encoder("efficientnet-lite0")
run = sl.fit(both, encoder)
run

# %% [markdown]
# Scores are told for each set by itself, before and after.

# %%
test = both.where(split="test")
sl.score(sl.embed(test, encoder), k=[1])

# %%
sl.score(sl.embed(test, run), k=[1])
