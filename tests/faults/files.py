"""Faults of data sets, loaders, readers and checkpoints."""

from ._fault import equal, faults

DATA, FILES = "tinygrad_lite/data/", "tinygrad_lite/files/"

FAULTS = [
    *equal(
        "tinygrad_lite/serialization/npz.py",
        "if source.size == 0 or same not in self._tensors:",
        "if same not in self._tensors:",
        "tensors without elements are the same whomever they share their memory with",
    ),
    *faults(
        DATA + "loader.py",
        "data/test_loader.py",
        ("return whole + (rest > 0 and not self.drop_last)", "return whole + (rest > 0)"),
        ("self._given = i + 1", "self._given = i"),
        (
            "            if walk is self._order:  # else another pass was begun meanwhile: that one counts\n",
            "            if True:\n",
        ),
        ("        self._resumes = False\n        walk", "        walk"),
        (
            "order = None if self._order is None else np.array(self._order, np.int64)",
            "order = self._order",
            "data/test_loader.py test_states.py",
        ),
    ),
    *faults(
        DATA + "blocks.py",
        "data/test_shards.py",
        ("zlib.crc32(part) != self._sums[shard][field][place]", "False"),
        ("and not self._good[block]", "and False"),
        ("        self._good[block] = True\n", ""),
        ("        self._good = bytearray(self.blocks)\n        for block", "        for block"),
        ("slot = int(self._used.argmin())", "slot = int(self._used.argmax())"),
        ("self._used[slots[slots >= 0]] = self._time", "self._used[slots] = self._time"),
        ("min(self.block_size, rows.length - first)", "self.block_size"),
        ("block_size = min(block_size, max(self._count, 1))\n", "block_size = block_size\n"),
        ("if head.fortran or not head.shape", "if not head.shape"),
        ("if not (got := file.readinto(left)):", "if not (got := file.readinto(left)) and False:"),
    ),
    *faults(
        DATA + "shards.py",
        "data/test_shards.py",
        ("zlib.crc32(part, sums[-1])", "zlib.crc32(part)"),
        ("if self._in_shard == self.shard_blocks * self.block_size:", "if False:"),
        ("            stack.callback(self.discard)  # what a failed end leaves\n", ""),
        (
            "        if kind is not None:\n            self.discard()\n",
            "        if kind is not None:\n",
        ),
        ("if found != (*described, count):", "if False:"),
        ("if type(of_field) is not list or len(of_field) != count:", "if False:"),
        ('np.ascontiguousarray(a, a.dtype.newbyteorder("<"))', "np.ascontiguousarray(a)"),
    ),
    *faults(
        DATA + "block_sampler.py",
        "data/test_block_sampler.py",
        ("            at %= count\n", "            at = min(at, count - 1)\n"),
        ('side="right"', 'side="left"'),
        ("self.epoch = self.epoch, self.epoch + 1", "self.epoch = self.epoch, self.epoch"),
        ("SeedSequence((self.seed % 2**64, epoch))", "SeedSequence((self.seed % 2**64 + epoch,))"),
        ("indices[random.permutation(len(indices), generator)]", "indices"),
        (
            "blocks = random.permutation(-(-count // size), generator)",
            "blocks = np.arange(-(-count // size))",
        ),
        ("at = self.rank * left", "at = 0"),
        ("            self._announce(following)  # read while", "            # read while"),
        ("self.seed, self.epoch = seed, epoch", "self.epoch = epoch"),
    ),
    *faults(
        DATA + "loader.py",
        "data/test_shards_training.py",
        ("itertools.islice(self._orders(), start, None)", "self._orders()"),
        (
            'self._order, self._given, self._resumes = state["sampler"], given, True',
            "self._given = given",
        ),
        ('self.sampler.load_state_dict(state["sampler"])  # type: ignore[union-attr]', "pass"),
    ),
    *faults(
        DATA + "dataset.py",
        "data/test_loader.py",
        ("sizes[i % len(sizes)] += 1", "sizes[0] += 1"),
    ),
    *faults(
        DATA + "images.py",
        "data/test_images.py",
        ("if self._index > len(self):", "if self._index >= len(self):"),
        ("sum(axis=0, dtype=np.uint16)", "sum(axis=0, dtype=np.uint8)"),
        (
            "return self._order[start : self._index].copy()",
            "return self._order[start : self._index]",
        ),
        ("            self.epochs_completed += 1\n", ""),
        ("labels.copy(),", "labels,"),
    ),
    *faults(
        DATA + "formats.py",
        "data/test_cifar10_damage.py data/test_cifar10.py",
        (
            "np.flatnonzero(records[:, 0] >= len(CLASSES))",
            "np.flatnonzero(records[:, 0] > len(CLASSES))",
        ),
        (
            "    if rewritten is not None and md5(records.data) != rewritten:\n        raise FileError(wrong)\n",
            "",
        ),
        ("if actual != expected and rewritten is None:", "if False:"),
        (
            "return min(found, key=lambda layout: len(layout.missing), default=None)",
            "return found[0] if found else None",
        ),
    ),
    *faults(
        DATA + "device.py",
        "data/test_loader.py",
        ("if low < -len(self) or high >= len(self):", "if high > len(self):"),
    ),
    *faults(
        "tinygrad_lite/serialization/__init__.py",
        "test_serialization_saving.py",
        ("            os.fsync(file.fileno())\n", ""),
        (
            "        with suppress(FileNotFoundError):\n            os.unlink(temporary)\n        raise",
            "        raise",
        ),
        ("        os.chmod(temporary, _mode(target))\n", ""),
    ),
    *faults(
        "tinygrad_lite/serialization/npz.py",
        "test_serialization.py test_serialization_damage.py",
        (
            "same = on_host, start, source.shape, source.strides, source.dtype.str",
            "same = on_host, start, source.shape, source.dtype.str",
        ),
        ("while name in self.arrays or (name == base and base in self._clashes):", "while False:"),
        ("if len(found) != len(pairs):", "if False:"),
        ("if unnamed := {*archive.names} - {*decoder.arrays} - {STRUCTURE}:", "if unnamed := ():"),
        ("if depth > DEEPEST:", "if depth > 10 * DEEPEST:"),
        ("return found.requires_grad_()", "return found"),
        ('array = array.astype(array.dtype.newbyteorder("<"), copy=False)', "array = array + 0"),
    ),
    *faults(
        "tinygrad_lite/checkpoint.py",
        "test_checkpoint.py",
        ("for part, state in reversed(changed):", "for part, state in reversed(changed[:0]):"),
        ("        default_generator.state = before\n", ""),
        ("            os.replace(held, previous_checkpoint(target))\n", "            pass\n"),
        (
            "changed.append((part, copy.deepcopy(_state(part))))",
            "changed.append((part, _state(part)))",
        ),
        ('if found["threads"] != get_num_threads():', "if False:"),
        ("        leftover.unlink(missing_ok=True)\n    held", "        pass\n    held"),
    ),
    *faults(
        FILES + "zips.py",
        "files/test_zips.py test_serialization_damage.py",
        ("if zlib.crc32(content) != entry.crc:", "if False:"),
        ("        if crc != entry.crc:\n", "        if False:\n"),
        ("            if entry.start != at:\n", "            if False:\n"),
        ("            if name in self._found:\n", "            if False:\n"),
        ("if entry.size > most:", "if False:"),
    ),
    *faults(
        FILES + "npy.py",
        "files/test_zips.py test_serialization_damage.py",
        ("if len(sizes) > 32:", "if False:"),
    ),
    *faults(
        FILES + "machine.py",
        "files/test_pickles.py data/test_cifar10_damage.py",
        ("if dotted not in self.admitted and dotted != ENCODE:", "if False:"),
        ("if self.encoded > len(self.content):", "if False:"),
        ("if type(key) not in (str, bytes):", "if False:"),
        ("if not 0 <= count <= left:", "if not 0 <= count:"),
    ),
    *faults(
        FILES + "tar.py",
        "files/test_tar.py data/test_archives.py",
        (
            'if path.is_absolute() or ".." in path.parts or ":" in name:',
            'if path.is_absolute() or ":" in name:',
        ),
        ("if path.name not in left:", "if False:"),
        ("if size > wanted[path.name]:", "if False:"),
        ("if _octal(block[148:156]) != total:", "if False:"),
    ),
    *faults(
        FILES + "texts.py",
        "files test_serialization_damage.py",
        ("    if len(found) != len(pairs):\n", "    if False:\n"),
    ),
    *faults(
        "tinygrad_lite/backend/states.py",
        "test_states.py",
        ("if not np.array_equal(np.sort(found), np.arange(count)):", "if False:"),
        (
            "if isinstance(value, bool) or not isinstance(value, int | float):",
            "if not isinstance(value, int | float):",
            "test_states.py -k truth_value",
        ),
        ("finite = math.isfinite(value) or (infinite and not math.isnan(value))", "finite = True"),
    ),
]
