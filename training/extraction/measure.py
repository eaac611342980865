"""Measures how fast alike describes pictures beside what people would write in Python, and writes docs/performance.md.

    cargo build --release
    python3 training/extraction/measure.py --photos FOLDER --network mobilenet_v2_1.0.onnx

FOLDER holds photos (JPEG) of which three sets are made: as they are, 1,000 at 500x375 and 100 at 4000x3000. The network
is a MobileNetV2 with the output `features` and a manifest beside it that stretches to 227x227, as `alike` guesses for one
without. Peers are installed from PyPI into a virtual environment in the folder --work, which is kept for the next time; what
can't be installed is left out, and named. All programs take turns, a picture's CPU time is the least of all rounds.
This file needs nothing but Python: what a parent has in memory would count as its child's.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PAGE = ROOT / "docs" / "performance.md"
SETS = {"small": (500, 375, 1000), "large": (4000, 3000, 100)}
PEERS = {
    "onnxruntime": "Python: ONNX Runtime, cv2, a thread for each core",
    "onnxruntime-draft": "the same with Pillow, decoding to a draft",
    "torch": "Python: torch, cv2, one at a time",
    "torch-loader": "Python: torch, cv2, DataLoader, batches of 32",
    "paddle": "Python: Paddle, cv2, one at a time",
}
REFERENCE = "onnxruntime"


def main():
    args = parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    python, absent = install(args.work / "venv")
    sets = {"photos": args.photos, **{name: made(python, args, name) for name in SETS}}
    programs = ours(args, python) | {
        name: peer(python, name, args) for name in PEERS if name not in absent and name not in args.skip
    }
    first = first_runs(args, programs)
    results = {}
    for name, pictures in sets.items():
        if name in args.sets:
            results[name] = measured(python, args, name, pictures, programs)
    write(args, results, absent, versions(python), first)


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True, help="folder of JPEG photos")
    parser.add_argument("--network", type=Path, required=True, help="MobileNetV2 as ONNX")
    parser.add_argument("--alike", type=Path, default=ROOT / "target" / "release" / "alike", help="the program")
    parser.add_argument("--work", type=Path, default=ROOT / "target" / "extraction", help="where all is kept")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--sets", nargs="+", default=["photos", *SETS], help="which sets: photos, small, large")
    parser.add_argument("--skip", nargs="+", default=[], choices=PEERS.keys() - {REFERENCE}, help="peers to leave out")
    args = parser.parse_args()
    args.photos, args.network, args.work = args.photos.resolve(), args.network.resolve(), args.work.resolve()
    return args


def install(venv):
    """The Python with the peers, and those that can't be had, with the reason."""
    python = venv / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    wanted = [line for line in (HERE / "requirements.txt").read_text().splitlines() if line and line[0] != "#"]
    failed = {}
    for package in wanted:
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", package]
        done = subprocess.run(pip, capture_output=True, text=True)
        if done.returncode != 0:
            failed[package] = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
    needs = {"torch": "torch", "torch-loader": "torch", "paddle": "paddlepaddle"}
    without_version = {wanted.split("==")[0]: reason for wanted, reason in failed.items()}
    absent = {name: without_version[package] for name, package in needs.items() if package in without_version}
    for name, reason in absent.items():
        print(f"left out: {PEERS[name]}: {reason}")
    rest = without_version.keys() - needs.values()
    if rest:
        sys.exit(f"can't do without {', '.join(sorted(rest))}: {failed}")
    return python, absent


def versions(python):
    """What the peers are, as pip says it."""
    said = run([python, "-m", "pip", "list", "--format=json", "--disable-pip-version-check"])
    wanted = {line.split("==")[0] for line in (HERE / "requirements.txt").read_text().splitlines()}
    return [f"{package['name']} {package['version']}" for package in json.loads(said) if package["name"] in wanted]


def made(python, args, name):
    out = args.work / name
    width, height, count = SETS[name]
    if not out.exists():
        run([python, HERE / "pictures.py", args.photos, out, width, height, count])
    return out


def ours(args, python):
    """alike with each runtime and network, all pictures decoded as far as needed, and to the last pixel."""
    quantised = args.work / f"{args.network.stem}_int8.onnx"
    if not quantised.exists():
        run([python, HERE.parent / "quantise.py", args.network, args.photos, "-o", quantised])
    library = next(iter(sorted((args.work / "venv").glob("lib/python*/site-packages/onnxruntime/capi/libonnxruntime.so*"))))
    runtime = {"ORT_DYLIB_PATH": str(library)}
    return {
        "alike-ort": alike(args, args.network, runtime),
        "alike-ort-exact": alike(args, args.network, runtime, "--exact-decode"),
        "alike-ort-one": alike(args, args.network, runtime, "--jobs", "1"),
        "alike-int8": alike(args, quantised, runtime),
        "alike-rten": alike(args, args.network, {}),
    }


OURS = {
    "alike-ort": "alike, ONNX Runtime",
    "alike-ort-exact": "alike, ONNX Runtime, --exact-decode",
    "alike-ort-one": "alike, ONNX Runtime, --jobs 1",
    "alike-int8": "alike, ONNX Runtime, network in int8",
    "alike-rten": "alike, rten (pure Rust)",
}


def alike(args, network, runtime, *options):
    """A run from nothing to the collection on disk: everything that it takes is counted."""

    def start(pictures, out):
        collection = args.work / "collection"
        shutil.rmtree(collection, ignore_errors=True)
        environment = {"PATH": "/usr/bin:/bin", "ALIKE_CACHE": str(args.work / "cache"), **runtime}
        index = [args.alike, "index", pictures, "-c", collection, "--model", network, "--recipe", "deep", "--json"]
        usage, said = timed([*index, *options], environment)
        described = json.loads(said)["described"]
        export = [args.alike, "export", "--npy", out, "-c", collection, "--model", network]
        subprocess.run(export, env=environment, check=True, capture_output=True)
        return {**usage, "pictures": described}

    return start


def first_runs(args, programs):
    """Lets ONNX Runtime optimise the graphs, which are kept from then on; the most memory that such a run took, in MiB."""
    shutil.rmtree(args.work / "cache", ignore_errors=True)
    return max(programs[name](args.photos, args.work / "first.npy")["mib"] for name in ("alike-ort", "alike-int8"))


def peer(python, name, args):
    def start(pictures, out):
        usage, said = timed([python, HERE / "peers.py", name, args.network, pictures, out], os.environ)
        return {**usage, **json.loads(said.strip().splitlines()[-1])}

    return start


def timed(command, environment):
    """Seconds and the most memory of a process, with those that it waited for."""
    started = time.perf_counter()
    process = subprocess.Popen(
        list(map(str, command)), env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"failed: {' '.join(map(str, command))}")
    wall = time.perf_counter() - started
    return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "mib": usage.ru_maxrss / 1024}, said


def measured(python, args, name, pictures, programs):
    """For each program the least CPU time and the least time of all rounds, the most memory, and the agreement."""
    results = {}
    for turn in range(args.rounds):
        for program, start in programs.items():
            features = args.work / f"{name}-{program}.npy"
            result = start(pictures, features)
            count = result.pop("pictures")
            each = {key: result[key] * 1e3 / count for key in ("cpu", "wall")} | {"mib": result["mib"]}
            known = results.setdefault(program, each)
            known.update(cpu=min(known["cpu"], each["cpu"]), wall=min(known["wall"], each["wall"]))
            known.update(mib=max(known["mib"], each["mib"]), count=count)
            print(f"round {turn + 1}, {name}: {program} {each['cpu']:.2f} CPU ms, {each['wall']:.2f} ms", flush=True)
    reference = args.work / f"{name}-{REFERENCE}.npy"
    for program, result in results.items():
        features = args.work / f"{name}-{program}.npy"
        said = run([python, HERE / "agreement.py", reference, features])
        result["agreement"] = json.loads(said)
    return results


def run(command):
    return subprocess.run(list(map(str, command)), check=True, stdout=subprocess.PIPE, text=True).stdout


def write(args, results, absent, versions, first):
    command = f"measure.py --photos {args.photos.name} --network {args.network.name} --rounds {args.rounds}"
    lines = [f"Machine: {processor()}, {os.cpu_count()} cores. Peers: {', '.join(versions)}."]
    lines.append(f"Command: `python3 training/extraction/{command}`; in each round the programs take turns.")
    lines.append(
        "CPU and wall time are the least of all rounds. Those of alike are of the whole process, from its start to the "
        "collection on disk; those of the peers leave out importing, loading and five pictures before. Memory is the "
        "most that a process had, DataLoader's second process not counted, with the network's optimised graph in the cache; the "
        f"first run, which makes that, took {first:.0f} MiB. Agreement is the cosine with the "
        "features of cv2's pixels by ONNX Runtime, in the mean and the least of all pictures."
    )
    lines += [f"Left out: {PEERS[name]}, because it could not be installed." for name in absent]
    for name, result in results.items():
        lines += ["", *table(args, name, result)]
    begin, end = "<!-- extraction: written by the benchmark -->\n", "<!-- extraction: end -->\n"
    before, rest = PAGE.read_text().split(begin)
    PAGE.write_text(before + begin + "\n".join(lines) + "\n" + end + rest.split(end)[1])


def table(args, name, result):
    size = "{}x{}".format(*SETS[name][:2]) if name in SETS else f"{args.photos.name}, as they are"
    yield f"### {next(iter(result.values()))['count']:,} pictures, {size}"
    yield ""
    yield "| program | CPU ms a picture | ms a picture | CPU time, times alike's | memory, MiB | agreement: mean, least |"
    yield "|---|---|---|---|---|---|"
    for program, row in result.items():
        times = f"{row['cpu'] / result['alike-ort']['cpu']:.2f}"
        agreement = "{mean:.4f}, {least:.4f}".format(**row["agreement"])
        said = (OURS | PEERS)[program]
        yield f"| {said} | {row['cpu']:.2f} | {row['wall']:.2f} | {times} | {row['mib']:.0f} | {agreement} |"


def processor():
    info = Path("/proc/cpuinfo")
    names = [line.split(": ")[1] for line in info.read_text().splitlines() if line.startswith("model name")] if info.exists() else []
    return names[0] if names else platform.processor()


if __name__ == "__main__":
    main()
