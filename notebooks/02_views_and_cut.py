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
# # More from one encoder: views, a cut, and what is remembered
#
# A head on remembered vectors is trained in seconds. Two steps beyond it stay nearly as quick,
# because what they need is remembered too: *augmented views* of each item, and the *activations*
# at a layer of the network, so that the layers above can learn.

# %%
import random

from PIL import ImageEnhance

import simlab as sl
from simlab.encoders import Cache

# %% [markdown]
# 200 emoji by five studios; the test is on emoji that training never sees.

# %%
items = sl.load("emoji-styles")[:1000].split(by="label", test=0.5, seed=0)
items


# %% [markdown]
# A view is an item that was changed and still means the same: here the colors of a picture fade,
# or glow. Chance comes from the usual generators; each view is made once and remembered.


# %%
def faded(picture):
    strength = random.uniform(0, 1.5)
    return ImageEnhance.Color(picture.convert("RGB")).enhance(strength)


encoder = sl.encoder("efficientnet-lite0", augment=faded)
sl.embed(items, encoder, views=3).views.shape

# %% [markdown]
# In training every item shows one of its views in an epoch. Held-out items and all that is
# embedded later are seen as they are.

# %%
plain = sl.fit(items, encoder)
viewed = sl.fit(items, encoder, views=3)

# %% [markdown]
# Or let the network itself learn: all up to the cut stays frozen and runs once per picture; the
# layers above learn together with the head, on remembered activations. What comes out is the same
# as if the whole network had run in every step.

# %%
cut = sl.encoder("efficientnet-lite0", cut="_blocks.9")
deeper = sl.fit(items, cut, epochs=12)
deeper

# %% [markdown]
# A word does the same without knowing the names of layers: `train="last:1"` lets the last one
# learn, `"all"` the whole network, `"lora"` small adapters beside the linear layers of a
# transformer. Here the head learns alone for two epochs, then the last layer joins it.

# %%
last = sl.fit(items, encoder, train="last:1", epochs=12, freeze=2)
last

# %% [markdown]
# Runs are encoders, whatever was trained: compare them on the unseen emoji. The intervals say what
# can be told from 100 of them: training helps; views add nothing here, as five studios are five
# views already, and nor do layers that learn below the head.

# %%
runs = {"head": plain, "head, views": viewed, "last layer": last, "layers above the cut": deeper}
sl.compare({"frozen": sl.embed(items, encoder)} | {n: sl.embed(items, r) for n, r in runs.items()})

# %% [markdown]
# What is remembered, how large it is, and how often it was used. To make room:
# `Cache.at().prune(max_bytes="10 GB")`, or the environment variable `SIMLAB_CACHE_LIMIT`.

# %%
Cache.at()
