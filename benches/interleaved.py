"""Processor time per request of two programs, in turns: benches/interleaved.py PROGRAM OTHER hello [ROUNDS]

Prints the median of each, in nanoseconds with the Environ included, and the median of the ratios. `benches/tracing_off.sh`
builds two programs to compare.
"""

import resource
import statistics
import subprocess
import sys

TIMES = 100_000


def nanoseconds(program, kind):
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    subprocess.run([program, kind, str(TIMES)], check=True)
    return (resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before) / TIMES * 1e9


def main():
    program, other, kind, *rounds = sys.argv[1:]
    pairs = [(nanoseconds(program, kind), nanoseconds(other, kind)) for _ in range(int(rounds[0]) if rounds else 15)]
    one, two = (statistics.median(times) for times in zip(*pairs))
    ratio = statistics.median(a / b for a, b in pairs)
    print(f"{kind}: {one:.0f} ns, {two:.0f} ns, ratio {ratio:.3f}")


if __name__ == "__main__":
    main()
