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
# # Watching a training
#
# Small pictures of digits, crossed by stripes that mean nothing; half of the digits are kept for a
# test.

# %%
import simlab as sl
from simlab.views import Monitor

digits = sl.load("striped-digits").split(by="label")
encoder = sl.encoder("pixels")

# %% [markdown]
# The monitor draws itself here, and its curves grow while the next cell runs. Interrupt that cell
# (■) whenever you have seen enough: the best weights so far are kept.

# %%
monitor = Monitor()
monitor

# %%
run = sl.fit(digits, encoder, progress=monitor)
slow = sl.fit(digits, encoder, lr=1e-4, progress=monitor.named("lr 0.0001"))
run

# %% [markdown]
# What was measured on the way: how far the space spreads, how many of its dimensions are used, how
# close friends lie, whether there are hubs, how many items of a batch still teach anything.

# %%
run.health

# %% [markdown]
# Now a training that goes wrong: a rate so high that the first steps make the vectors too long to
# be moved again. The advice says what happened and what to try.

# %%
wild = sl.fit(digits, encoder, lr=10, weight_decay=0, progress=monitor.named("lr 10"))
wild.health

# %% [markdown]
# All three side by side, in a page that needs no notebook.

# %%
sl.report(monitor, run.health, wild, to="../reports/watching_training.html")
