"""How long does a started server take for a photograph, asked by two programs at once?

Run ``python benchmarks/serve.py``. ``python -m seeing serve`` is started with a classifier like
those that ``train`` writes: ResNet50 with a head, its weights random unless a trained one is named
with ``--model``, since they do not change how long it takes. Two threads then send one drawn
photograph after the other and wait for each answer. Beside the time stands how much of the
processor the server used a request, which another program on this machine changes less.
"""

import argparse
import concurrent.futures
import io
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import httpx
import numpy as np
import psutil
from PIL import Image

WORKERS = 2
WARM_UP = 10
CLASS_NAMES = ("daisy", "dandelion", "rose", "sunflower", "tulip")


def write_classifier(folder: pathlib.Path, image_size: int) -> None:
    """Save a classifier of random weights, of the kind that ``train`` writes."""
    import keras

    from seeing.app import classifier
    from seeing.models import backbones, fine_tuning, heads, resnet50

    backbone = resnet50.build(
        include_top=False, input_shape=(None, None, 3), weights=resnet50.random_weights()
    )
    pooled = keras.layers.GlobalAveragePooling2D()(backbone.output)
    extractor = backbones.from_pixels(keras.Model(backbone.input, pooled))
    parts = [extractor, heads.head(pooled.shape[-1], len(CLASS_NAMES))]
    network = fine_tuning.classifier(parts, image_size)
    classifier.PhotoClassifier(network, CLASS_NAMES, classifier.LOOKS).save(folder)


def photograph(width: int, height: int) -> bytes:
    """A drawn photograph, as JPEG."""
    pixels = np.random.default_rng(0).integers(0, 256, (height // 8, width // 8, 3), np.uint8)
    content = io.BytesIO()
    Image.fromarray(pixels).resize((width, height)).save(content, "JPEG", quality=90)
    return content.getvalue()


def ask(client: httpx.Client, content: bytes) -> float:
    """Seconds from a request to its answer.

    Raises:
        httpx.HTTPStatusError: when it is no answer.
    """
    start = time.perf_counter()
    client.post("/photograph", files={"photograph": content}).raise_for_status()
    return time.perf_counter() - start


def measure(base: str, server: psutil.Process, width: int, height: int, count: int) -> str:
    """A line about so many requests, ``WORKERS`` at once."""
    content = photograph(width, height)
    with (
        httpx.Client(base_url=base, timeout=60, trust_env=False) as client,
        concurrent.futures.ThreadPoolExecutor(WORKERS) as pool,
    ):
        list(pool.map(lambda _: ask(client, content), range(WARM_UP)))
        before, start = server.cpu_times(), time.perf_counter()
        seconds = list(pool.map(lambda _: ask(client, content), range(count)))
        elapsed, after = time.perf_counter() - start, server.cpu_times()
    cpu = (after.user + after.system - before.user - before.system) / count
    p50, p95 = np.percentile(seconds, [50, 95])
    return (
        f"{f'{width}×{height}':12}{count:10}{1000 * p50:12.0f}{1000 * p95:10.0f}"
        f"{count / elapsed:12.1f}{1000 * cpu:12.0f}"
    )


def main() -> int:
    """Print medians and 95th percentiles; a request that fails ends it with an error."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", help="a folder that train wrote [random weights]")
    parser.add_argument("--image-size", type=int, default=224, help="of random weights [224]")
    parser.add_argument("--requests", type=int, default=500, help="for each kind of photograph")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        model = pathlib.Path(options.model or pathlib.Path(name) / "model")
        if not options.model:
            write_classifier(model, options.image_size)
        command = [sys.executable, "-m", "seeing", "serve", str(model), "--port", "0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                base = process.stdout.readline().split()[-1]
                print(f"{WORKERS} requests at once, {os.cpu_count()} CPU cores")
                print(f"load of the machine before: {os.getloadavg()[0]:.1f}")
                print(
                    f"{'photograph':12}{'requests':>10}{'median, ms':>12}{'p95, ms':>10}"
                    f"{'a second':>12}{'CPU, ms':>12}"
                )
                for size in ((224, 224), (298, 224)):
                    server = psutil.Process(process.pid)
                    print(measure(base, server, *size, options.requests), flush=True)
            finally:
                process.terminate()
    return 0


if __name__ == "__main__":
    sys.exit(main())
