"""Faults of layers, losses, optimizers, schedules and the loss scaler."""

from ._fault import equal, faults

NN, F, OPTIM = "tinygrad_lite/nn/", "tinygrad_lite/nn/functional/", "tinygrad_lite/optim/"
RECORDED = "optim/test_recorded.py -k 'not strict'"

FAULTS = [
    *faults(
        F + "dropout.py",
        "nn/test_random_layers.py nn/test_dropout2d.py nn/test_layers.py nn/test_beside.py::test_gives_what_was_recorded",
        ('random.uniform(shape, "float32") >= p', 'random.uniform(shape, "float32") < p'),
        ("(1 / (1 - p) if p < 1 else 0.0)", "(1 / p if p < 1 else 0.0)"),
        ("(1 + p * low * low)", "(1 + low * low)"),
        (
            "return _drop(input, shape, p, inplace) if drops else input",
            "return _drop(input, input.shape, p, inplace) if drops else input",
        ),
    ),
    *faults(
        F + "norm.py",
        "nn/test_norm.py nn/test_running_statistics.py",
        ("            count / (count - 1),\n", "            1.0,\n"),
        ("buffer._storage.version += 1", "buffer._storage.version += 0"),
        ("if count == 1:", "if count == 0:"),
    ),
    *faults(
        F + "loss/elementwise.py",
        "nn/test_loss.py nn/test_losses.py",
        (
            "apply(ops.huber, input, target, delta=beta) / beta",
            "apply(ops.huber, input, target, delta=beta)",
        ),
        (
            "return total / (input.shape[0] or math.nan) if batchmean",
            "return total / (input.numel() or math.nan) if batchmean",
        ),
        ("losses = target.exp() * (target - input)", "losses = target * (target - input)"),
    ),
    *faults(
        F + "loss/classes.py",
        "nn/test_loss.py nn/test_losses.py",
        ("and not 0 <= ignore_index < x.shape[1]", "and True"),
        ("    losses = losses.masked_fill(ignored, 0)\n", ""),
        ("        counted = counted * weights\n", ""),
        ("smoothing / (log_p.shape[1] or math.nan)", "smoothing"),
        (
            "target * (1 - smoothing) + smoothing / (input.shape[1] or math.nan)",
            "target * (1 - smoothing)",
        ),
    ),
    *faults(
        "tinygrad_lite/tensor/padding.py",
        "nn/test_beside.py::test_gives_what_was_recorded tensor/test_inplace_views.py backend/test_threads_idle.py",
        ("x.narrow(dim, 1, before).flip(dim)", "x.narrow(dim, 0, before).flip(dim)"),
        (
            "(x.narrow(dim, n - before, before), x.narrow(dim, 0, after))",
            "(x.narrow(dim, 0, before), x.narrow(dim, n - after, after))",
        ),
        ("dim = input.ndim - 1 - i", "dim = i"),
    ),
    *faults(
        F + "conv.py",
        "nn/test_conv.py nn/test_conv_modules.py nn/test_conv_errors.py",
        ("(n - 1) * s - 2 * p + d * (k - 1) + e + 1", "(n - 1) * s - 2 * p + d * (k - 1) + 1"),
        (
            "input = pad(input, (0, odd[1], 0, odd[0]))",
            "input = pad(input, (odd[1], 0, odd[0], 0))",
        ),
        ("e >= max(s, d) for e, s, d", "e > max(s, d) for e, s, d"),
    ),
    *faults(
        F + "embedding.py",
        "nn/test_beside.py::test_gives_what_was_recorded nn/test_embedding.py",
        (".where(norms > max_norm, 1.0)", ".where(norms > 0, 1.0)"),
        ("return padding_idx % rows", "return padding_idx"),
    ),
    *faults(
        F + "group_norm.py",
        "nn/test_norm.py nn/test_beside.py::test_gives_what_was_recorded nn/test_layers.py",
        ("if num_groups < 1 or c % num_groups:", "if num_groups < 1:"),
    ),
    *faults(
        F + "resize.py",
        "nn/test_beside.py::test_gives_what_was_recorded tensor/test_inplace_views.py backend/test_threads_idle.py",
        (
            "order = (*range(n), n, n + 3, n + 1, n + 4, n + 2)",
            "order = (*range(n), n, n + 3, n + 2, n + 4, n + 1)",
        ),
    ),
    *equal(
        F + "resize.py",
        "source = numpy.maximum(source, 0)",
        "source = source + 0",
        "both elements beside a place before the first are the first",
    ),
    *faults(
        NN + "init.py",
        "nn/test_init.py",
        ("math.sqrt(3 / _calculate", "math.sqrt(6 / _calculate"),
        ("math.sqrt(2 / (1 + slope**2))", "math.sqrt(2 / (1 + slope))"),
        ("host[(g * out + d, d, *middle)] = 1", "host[(d, d, *middle)] = 1"),
        ("q = q * (numpy.sign(numpy.diag(r)) * gain)", "q = q * gain"),
        ("math.ceil(sparsity * rows)", "math.floor(sparsity * rows)"),
        ("tensor, numpy.clip(values, a, b))", "tensor, values + std)"),
        (
            "return tensor.shape[1] * field, tensor.shape[0] * field",
            "return tensor.shape[0] * field, tensor.shape[1] * field",
        ),
    ),
    *faults(
        NN + "utils/clip_grad.py",
        "nn/test_clip_grad.py",
        (".clamp(max=1.0)", ".clamp(max=1e9)"),
        ("grad.clamp_(-clip_value, clip_value)", "grad.clamp_(None, clip_value)"),
    ),
    *faults(
        NN + "module/state.py",
        "nn/test_state_dict.py nn/test_module.py",
        ("if strict and keys.unexpected_keys:", "if keys.unexpected_keys:"),
        ("if tensor is not None and name not in unsaved:", "if tensor is not None:"),
        ("as_it_is = keep_vars or isinstance(tensor, Uninitialized)", "as_it_is = True"),
        (
            "if strict and not (old and name in self._late):",
            "if strict:",
            "nn/test_norm_modules.py",
        ),
    ),
    *faults(
        NN + "module/tree.py",
        "nn/test_module.py",
        ("if id(member) in seen:", "if False:"),
        ("            if id(self) in memo:\n                return\n", ""),
        ("            self._unsaved.add(name)\n", "            pass\n"),
    ),
    *faults(
        NN + "module/convert.py",
        "nn/test_module.py nn/test_conv_modules.py",
        (
            "                if grad is not None:\n                    _replace(grad, convert)\n",
            "",
        ),
        ("tensor.data = new(in_order_of(array, tensor.array))", "tensor.data = new(array)"),
        ("dtype=dtype if takes else None", "dtype=dtype"),
    ),
    *faults(
        NN + "module/module.py",
        "nn/test_module.py",
        (
            "        for module in self.children():\n            module.train(mode)",
            "        for module in self.modules():\n            module.training = mode",
            "nn/test_own_methods.py",
        ),
    ),
    *faults(
        NN + "container.py",
        "nn/test_container.py nn/test_joined.py tensor/test_create.py",
        ("                at += more\n", ""),
        (
            "OrderedDict(list(self._modules.items())[index])",
            "OrderedDict((str(i), m) for i, (_, m) in enumerate(list(self._modules.items())[index]))",
        ),
    ),
    *faults(
        NN + "_joined.py",
        "nn/test_joined.py",
        ("        and not (module._listened_to and module._is_hooked())\n", ""),
        ("if normalise is None or not following[0].training:", "if normalise is None:"),
    ),
    *faults(
        NN + "embedding.py",
        "nn/test_embedding.py nn/test_layers.py nn/test_beside.py::test_gives_what_was_recorded",
        ("            padding_idx %= num_embeddings\n", ""),
        (
            "init.zeros_(self.weight.detach()[self.padding_idx])",
            "init.ones_(self.weight.detach()[self.padding_idx])",
        ),
    ),
    *faults(
        NN + "linear.py",
        "nn/test_layers.py nn/test_init.py nn/test_random_layers.py",
        ("bound = 1 / math.sqrt(self.in_features)", "bound = 1 / math.sqrt(self.out_features)"),
    ),
    *faults(
        OPTIM + "optimizer.py",
        "optim/test_optimizer.py optim/test_state_dict.py -k 'not strict'",
        ("param._storage.version += 1", "param._storage.version += 0"),
        ("if not set(self._all_params()).isdisjoint(params):", "if False:"),
        ("param_group.setdefault(option, default)", "param_group[option] = default"),
        (
            "            with enable_grad():\n                loss = closure()",
            "            loss = closure()",
        ),
        ("(grad.detach() if grad.requires_grad else grad).zero_()", "grad.zero_()"),
    ),
    *faults(
        OPTIM + "sgd.py",
        RECORDED,
        ("first = buffer is None", "first = False"),
        (
            'options["momentum"] <= 0 or options["dampening"] != 0',
            'options["momentum"] <= 0',
            "optim/test_optimizer.py -k 'range'",
        ),
    ),
    *faults(
        OPTIM + "adam.py",
        RECORDED,
        ('"decoupled": group["decoupled_weight_decay"]', '"decoupled": False'),
        (
            "check(0 <= beta < 1,",
            "check(0 <= beta <= 1,",
            "optim/test_optimizer.py -k 'range'",
        ),
    ),
    *faults(
        OPTIM + "_loading.py",
        "optim/test_state_dict.py optim/test_loading.py -k 'not strict'",
        (
            "out.array[...] = value.detach().to(param.dtype, device=param.device).array",
            "out = value.detach()",
        ),
        ("if numbers.setdefault(at, param) is not param:", "if False:"),
        (
            "elif names is not None and tuple(item.shape) != (shape := form.shape(key, param)):",
            "elif (shape := ()) is None:",
            "optim/test_state_dict.py -k another_shape",
        ),
    ),
    *faults(
        OPTIM + "_scheduler.py",
        "optim/test_lr_scheduler.py optim/test_recorded.py",
        (
            'group.setdefault("initial_lr", _copied(group["lr"]))',
            'group["initial_lr"] = group["lr"]',
        ),
    ),
    *faults(
        OPTIM + "lr_scheduler.py",
        "optim/test_lr_scheduler.py optim/test_recorded.py",
        (
            "due = self.last_epoch != 0 and self.last_epoch % self.step_size == 0",
            "due = self.last_epoch % self.step_size == 0",
        ),
        (
            "return self._scaled(self.gamma**times) if times",
            "return self._scaled(self.gamma) if times",
        ),
        ("if (t - 1 - self.T_max) % (2 * self.T_max) == 0:", "if False:"),
        ("if self._is_initial or self.last_epoch > self.total_iters:", "if self._is_initial:"),
    ),
    *faults(
        OPTIM + "_plateau.py",
        "optim/test_recorded.py optim/test_lr_scheduler.py",
        ("if self.num_bad_epochs > self.patience:", "if self.num_bad_epochs >= self.patience:"),
        (
            "            self.cooldown_counter -= 1\n            self.num_bad_epochs = 0\n",
            "            self.cooldown_counter -= 1\n",
        ),
        ('if group["lr"] - new > self.eps:', "if True:"),
    ),
    *faults(
        OPTIM + "_sequential.py",
        "optim/test_recorded.py optim/test_lr_scheduler.py",
        ("            scheduler._update_lr(0)\n", "            scheduler.step()\n"),
    ),
    *faults(
        "tinygrad_lite/amp/grad_scaler.py",
        "amp/test_grad_scaler.py cuda/test_graph_amp.py -k 'not training and not kernel'",
        ("grad._storage.version += 1", "grad._storage.version += 0"),
        ("found = found.maximum(flag)", "found = flag"),
        ("return None if found.item() else optimizer.step()", "return optimizer.step()"),
        ("inverse = 1 / scale.double()", "inverse = 1 / scale.sqrt()"),
        (
            "        self._stages.clear()\n        self._found.clear()",
            "        self._found.clear()",
        ),
        (
            "array[...] = xp.where(xp.reshape(found.array, (1,) * array.ndim) != 0, old, array)",
            "pass",
        ),
    ),
    *faults(
        "tinygrad_lite/backend/plain/amp.py",
        "amp/test_grad_scaler.py -k 'not training and not kernel'",
        ("xp.where(due & xp.isfinite(grown), grown, scale)", "xp.where(due, grown, scale)"),
        ("tracker[...] = xp.where(bad | due,", "tracker[...] = xp.where(due,"),
    ),
]
