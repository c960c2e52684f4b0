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
# # Which class is it, or none of those that we know?
#
# A gallery answers every query, also one of a class that it has never met. Here a threshold is
# learned from which on an answer can be trusted; it is then checked on classes that neither the
# training nor the threshold has seen.

# %%
import simlab as sl
from simlab.views import abstention

items = sl.load("emoji-styles").split(by="label", test=0.5, seed=0)
run = sl.fit(items, sl.encoder("efficientnet-lite0"))
emoji = sl.embed(items.where(split="test"), run)
emoji

# %% [markdown]
# Of the emoji that training never saw, one half calibrates and the other checks. In each half some
# pictures are the gallery and the others ask.

# %%
classes = emoji.items.split(by="label", test=0.5, seed=1)
first, second = (emoji[classes.rows_where(split=part)] for part in ("train", "test"))
parts = [half.items.split(by="item", test=0.4, seed=0) for half in (first, second)]
gallery, held = (first[parts[0].rows_where(split=part)] for part in ("train", "test"))
new_gallery, new = (second[parts[1].rows_where(split=part)] for part in ("train", "test"))

# %% [markdown]
# At most five of a hundred strangers may get an answer. Each picture asks twice: as it is, and with
# its emoji hidden from the gallery, as if it were a stranger.

# %%
index = sl.Index(gallery).calibrate(held, target={"false-accept-rate": 0.05})
index.calibration

# %% [markdown]
# Pictures of the other half are all strangers to this gallery.

# %%
index.classify(new)

# %% [markdown]
# A new class needs no training: its pictures are put into the gallery. Does the threshold still
# hold? The check asks with emoji that are all new.

# %%
index.add(new_gallery).check(new)

# %% [markdown]
# The fewer answers are given, the more of them are right. The dot is the threshold.

# %%
alone = sl.Index(new_gallery, calibration=index.calibration)
checks = {"new emoji alone": alone.check(new), "added": index.add(new_gallery).check(new)}
abstention(checks)

# %% [markdown]
# One prototype per emoji is a smaller gallery; similarities to it are others, so it is calibrated
# by itself.

# %%
small = sl.Index(gallery).prototypes()
small.calibrate(held, target={"false-accept-rate": 0.05}).calibration
