"""Methods as functions, under the same names: `exp(x)` is `x.exp()`."""

from . import Tensor

__all__ = [
    "abs",
    "add",
    "addmm",
    "all",
    "amax",
    "amin",
    "any",
    "argmax",
    "argmin",
    "argsort",
    "bincount",
    "bmm",
    "ceil",
    "chunk",
    "clamp",
    "clip",
    "clone",
    "cos",
    "cumsum",
    "diag",
    "div",
    "dot",
    "eq",
    "erf",
    "exp",
    "expm1",
    "flatten",
    "flip",
    "floor",
    "gather",
    "ge",
    "gt",
    "index_select",
    "isfinite",
    "isinf",
    "isnan",
    "le",
    "log",
    "log10",
    "log1p",
    "log2",
    "log_softmax",
    "logical_and",
    "logical_not",
    "logical_or",
    "logsumexp",
    "lt",
    "masked_fill",
    "masked_select",
    "matmul",
    "max",
    "maximum",
    "mean",
    "min",
    "minimum",
    "mm",
    "movedim",
    "mul",
    "mv",
    "narrow",
    "ne",
    "neg",
    "nonzero",
    "norm",
    "outer",
    "permute",
    "pow",
    "prod",
    "reciprocal",
    "relu",
    "reshape",
    "round",
    "rsqrt",
    "select",
    "sigmoid",
    "sign",
    "sin",
    "softmax",
    "sort",
    "split",
    "sqrt",
    "square",
    "squeeze",
    "std",
    "sub",
    "sum",
    "swapaxes",
    "t",
    "tanh",
    "topk",
    "trace",
    "transpose",
    "tril",
    "triu",
    "unbind",
    "unflatten",
    "unique",
    "unsqueeze",
    "var",
]

abs = Tensor.abs
add = Tensor.add
addmm = Tensor.addmm
all = Tensor.all
amax = Tensor.amax
amin = Tensor.amin
any = Tensor.any
argmax = Tensor.argmax
argmin = Tensor.argmin
argsort = Tensor.argsort
bincount = Tensor.bincount
bmm = Tensor.bmm
ceil = Tensor.ceil
chunk = Tensor.chunk
clamp = Tensor.clamp
clip = Tensor.clip
clone = Tensor.clone
cos = Tensor.cos
cumsum = Tensor.cumsum
diag = Tensor.diag
div = Tensor.div
dot = Tensor.dot
eq = Tensor.eq
erf = Tensor.erf
exp = Tensor.exp
expm1 = Tensor.expm1
flatten = Tensor.flatten
flip = Tensor.flip
floor = Tensor.floor
gather = Tensor.gather
ge = Tensor.ge
gt = Tensor.gt
index_select = Tensor.index_select
isfinite = Tensor.isfinite
isinf = Tensor.isinf
isnan = Tensor.isnan
le = Tensor.le
log = Tensor.log
log10 = Tensor.log10
log1p = Tensor.log1p
log2 = Tensor.log2
log_softmax = Tensor.log_softmax
logical_and = Tensor.logical_and
logical_not = Tensor.logical_not
logical_or = Tensor.logical_or
logsumexp = Tensor.logsumexp
lt = Tensor.lt
masked_fill = Tensor.masked_fill
masked_select = Tensor.masked_select
matmul = Tensor.matmul
max = Tensor.max
maximum = Tensor.maximum
mean = Tensor.mean
min = Tensor.min
minimum = Tensor.minimum
mm = Tensor.mm
movedim = Tensor.movedim
mul = Tensor.mul
mv = Tensor.mv
narrow = Tensor.narrow
ne = Tensor.ne
neg = Tensor.neg
nonzero = Tensor.nonzero
norm = Tensor.norm
outer = Tensor.outer
permute = Tensor.permute
pow = Tensor.pow
prod = Tensor.prod
reciprocal = Tensor.reciprocal
relu = Tensor.relu
reshape = Tensor.reshape
round = Tensor.round
rsqrt = Tensor.rsqrt
select = Tensor.select
sigmoid = Tensor.sigmoid
sign = Tensor.sign
sin = Tensor.sin
softmax = Tensor.softmax
sort = Tensor.sort
split = Tensor.split
sqrt = Tensor.sqrt
square = Tensor.square
squeeze = Tensor.squeeze
std = Tensor.std
sub = Tensor.sub
sum = Tensor.sum
swapaxes = Tensor.swapaxes
t = Tensor.t
tanh = Tensor.tanh
topk = Tensor.topk
trace = Tensor.trace
transpose = Tensor.transpose
tril = Tensor.tril
triu = Tensor.triu
unbind = Tensor.unbind
unflatten = Tensor.unflatten
unique = Tensor.unique
unsqueeze = Tensor.unsqueeze
var = Tensor.var
