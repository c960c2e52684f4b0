"""Heads by name: small modules that turn the vectors of a frozen encoder into better ones.

README.md says when to use which; each file holds a family.
"""

from simlab.training.heads._base import Head as Head
from simlab.training.heads._making import (
    check_head as check_head,
    choose_head as choose_head,
    make_head as make_head,
    with_blocks as with_blocks,
)
from simlab.training.heads._plain import (
    GatedHead as GatedHead,
    IdentityHead as IdentityHead,
    LinearHead as LinearHead,
)
from simlab.training.heads._registry import HEADS as HEADS, named as named
from simlab.training.heads._skip import (
    GatedSkipHead as GatedSkipHead,
    SkipHead as SkipHead,
    SkipMlpHead as SkipMlpHead,
)
from simlab.training.heads._softmax_groups import SoftmaxGroupsHead as SoftmaxGroupsHead
from simlab.training.heads._stacked import (
    MlpHead as MlpHead,
    StackedHead as StackedHead,
    WideningHead as WideningHead,
)
from simlab.training.heads._switch import SwitchHead as SwitchHead
