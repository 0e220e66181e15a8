"""Public names that have no row yet: of modules and what surrounds training."""

MODULES = """
distributions.Distribution distributions.constraints.Constraint
distributions.constraints.MixtureSameFamilyConstraint distributions.constraints.dependent_property
distributions.constraints.is_dependent distributions.register_kl distributions.utils.broadcast_all
distributions.utils.clamp_probs distributions.utils.lazy_property
distributions.utils.logits_to_probs distributions.utils.probs_to_logits nn.Buffer nn.CrossMapLRN2d
nn.LazyBatchNorm3d nn.LazyConvTranspose3d nn.LazyInstanceNorm3d nn.NLLLoss2d nn.RNNBase
nn.RNNCellBase nn.UninitializedBuffer nn.UninitializedParameter nn.grad.conv1d_input
nn.grad.conv1d_weight nn.grad.conv2d_input nn.grad.conv2d_weight nn.grad.conv3d_input
nn.grad.conv3d_weight nn.init.constant nn.init.dirac nn.init.eye nn.init.kaiming_normal
nn.init.kaiming_uniform nn.init.normal nn.init.orthogonal nn.init.sparse nn.init.uniform
nn.init.xavier_normal nn.init.xavier_uniform nn.utils.clip_grad_norm
nn.utils.clip_grads_with_norm_ nn.utils.convert_conv2d_weight_memory_format
nn.utils.convert_conv3d_weight_memory_format nn.utils.fuse_conv_bn_eval
nn.utils.fuse_conv_bn_weights nn.utils.fuse_linear_bn_eval nn.utils.fuse_linear_bn_weights
nn.utils.parametrizations.orthogonal nn.utils.parametrizations.spectral_norm
nn.utils.parametrize.ParametrizationList nn.utils.parametrize.cached nn.utils.remove_spectral_norm
nn.utils.rnn.invert_permutation nn.utils.skip_init nn.utils.spectral_norm optim.Adafactor
optim.Muon optim.Optimizer optim.lr_scheduler.LRScheduler optim.swa_utils.AveragedModel
optim.swa_utils.SWALR optim.swa_utils.get_ema_avg_fn optim.swa_utils.get_ema_multi_avg_fn
optim.swa_utils.get_swa_avg_fn optim.swa_utils.get_swa_multi_avg_fn optim.swa_utils.update_bn
utils.data.ChainDataset utils.data.Dataset utils.data.IterableDataset utils.data.Sampler
utils.data.StackDataset utils.data.default_collate utils.data.default_convert
utils.data.get_worker_info
"""
