"""What a trained model sees in pictures: `python examples/predict.py RUN IMAGE…`.

RUN is the folder of a run of `cifar_mlp.py` or `cifar_cnn.py`, or a file `model.npz` or
`checkpoint.npz` from one; `examples/pretrained/small.npz` comes along. Pictures may be of any
kind and size that Pillow reads: the middle square is scaled to 32×32. What the model was given
and the probabilities are drawn in `--out`.
"""

# smoke: examples/pretrained/small.npz examples/pretrained/cat.png --out $OUT/prediction.png

from __future__ import annotations

import argparse
import os
import warnings
from pathlib import Path
from typing import Any

import _folder
import _pictures
import cifar_94
import cifar_cnn
import cifar_mlp
import cifar_mlp_best
import numpy as np
import resnet
from _flags import Parser, fail
from _stop import any_terminal
from PIL import Image, ImageOps

import tinygrad_lite as torch
from tinygrad_lite import nn

EXAMPLES = {
    module.EXAMPLE.name: module.EXAMPLE
    for module in (cifar_mlp, cifar_cnn, cifar_94, cifar_mlp_best, resnet)
}


class Predictor:
    """A trained model, and how pictures must be prepared for it.

    Leaves with status 2 if the file is not there, is damaged, or is no model of the examples.

    Args:
        run: a run's folder, or the file itself.

    Attributes:
        model: in evaluation mode, float32.
        mean: float32 (3, 32, 32), subtracted from pixels in 0…255.
        classes: the names.
        about: the file's own account of itself.
    """

    def __init__(self, run: Path) -> None:
        self.path = run
        if run.is_dir():  # a run that is not finished has only its checkpoint
            self.path = run / _folder.MODEL
            self.path = self.path if self.path.exists() else run / _folder.CHECKPOINT
        try:
            self.about: dict[str, Any] = torch.load(self.path)
            self.model: nn.Module = EXAMPLES[self.about["example"]].rebuild(self.about)
            self.mean = self.about["mean_image"].numpy()
            self.classes = tuple(self.about["classes"])
        except FileNotFoundError:
            fail(f"{run}: there is no such run ({self.path})")
        except (OSError, ValueError) as error:
            fail(f"{run}: {error}")
        except (AttributeError, KeyError, RuntimeError, TypeError) as error:
            fail(f"{self.path}: is not a model of the examples ({type(error).__name__}: {error})")
        self.model.eval()

    def prepare(self, path: Path) -> Any:
        """A picture's middle square at the model's size, uint8 (3, H, W).

        Leaves with status 2 if it can't be read.
        """
        size = self.mean.shape[-1]
        try:
            with warnings.catch_warnings(), Image.open(path) as picture:
                warnings.simplefilter("error", Image.DecompressionBombWarning)
                upright = ImageOps.exif_transpose(picture)
                small = ImageOps.fit(_on_white(upright), (size, size), Image.Resampling.LANCZOS)
        except FileNotFoundError:
            fail(f"{path}: there is no such file")
        except (OSError, ValueError, SyntaxError, Warning, Image.DecompressionBombError) as error:
            fail(f"{path}: is not a picture that can be read ({error})")
        return np.asarray(small, np.uint8).transpose(2, 0, 1)

    @torch.no_grad()
    def probabilities(self, pixels: Any) -> Any:
        """Of each class, float32 (N, C), for pixels uint8 (N, 3, H, W)."""
        images = torch.from_numpy(pixels.astype(np.float32) - self.mean)
        return self.model(images).softmax(dim=1).numpy()


def _on_white(picture: Image.Image) -> Image.Image:
    """A picture in RGB; transparent parts become white."""
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    return picture.convert("RGB")


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = Parser(__doc__)
    add = parser.add_argument
    add("run", type=Path, metavar="RUN", help="a run's folder, or a model.npz")
    add("images", type=Path, metavar="IMAGE", nargs="+", help="pictures of any kind")
    add("--out", type=Path, default=Path("prediction.png"), help="drawn here, %(default)s")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Predict, print and draw; the exit status."""
    any_terminal()
    args = parse(argv)
    predictor = Predictor(args.run)
    about = predictor.about
    print(f"{predictor.path}: {about['example']} after {about['step']} steps on "
          f"{_pictures.data_name(about['dataset'])}")  # fmt: skip
    pixels = np.stack([predictor.prepare(path) for path in args.images])
    probabilities = predictor.probabilities(pixels)
    for path, row in zip(args.images, probabilities, strict=True):
        best = np.argsort(-row, kind="stable")[:3]
        said = ", ".join(f"{predictor.classes[i]} {100 * row[i]:.1f} %" for i in best)
        print(f"{path}: {said}")
    names = [os.fspath(path.name) for path in args.images]
    picture = _pictures.predictions(
        list(zip(names, pixels, probabilities, strict=True)), predictor.classes
    )
    try:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_bytes(picture)
    except OSError as error:
        fail(f"--out {args.out}: {error.strerror or error}")
    print(f"drawn in {args.out}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
