"""Locked instructions that one request takes: benches/locked.py target/release/deps/count-... hello [--list]

An instruction with a lock prefix (an atomic count, a mutex) costs as much as twenty others, and no profile shows it by name.
Callgrind says how often each address ran, objdump which of them are locked; `--list` says where they stand (build with
CARGO_PROFILE_BENCH_DEBUG=1). Making the Environ is in it, as in `count`; it takes none.
"""

import collections
import re
import subprocess
import sys
import tempfile

TIMES = 1000


def executed(program, kind):
    """How often each address of the program ran."""
    counts, objects = collections.Counter(), {}
    with tempfile.NamedTemporaryFile("r") as out:
        tool = ["valgrind", "--tool=callgrind", "--dump-instr=yes", f"--callgrind-out-file={out.name}"]
        subprocess.run([*tool, program, kind, str(TIMES)], check=True, stderr=subprocess.DEVNULL)
        current, address, after_call = None, 0, False
        for line in out:
            if match := re.match(r"(c?ob)=\((\d+)\)(?: (.*))?", line):
                objects.setdefault(match[2], match[3])
                if match[1] == "ob":
                    current = objects[match[2]]
            elif line.startswith("calls="):
                after_call = True
            elif match := re.match(r"(0x[0-9a-f]+|[+-]\d+|\*) \S+ (\d+)", line):
                step = match[1]
                address = int(step, 16) if step.startswith("0x") else address + int(step.replace("*", "0"))
                # The line below a call counts what was called.
                if not after_call and current.endswith(program.rsplit("/", 1)[-1]):
                    counts[address] += int(match[2])
                after_call = False
    return counts


def locked(program):
    """The addresses of locked instructions; an exchange with memory is one without saying so."""
    text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", program], check=True, capture_output=True, text=True)
    pattern = re.compile(r"^\s*([0-9a-f]+):\s+(lock .*|xchg\s.*\(.*)$", re.MULTILINE)
    return {int(address, 16) for address, _ in pattern.findall(text.stdout)}


def place(program, address):
    lines = subprocess.run(["addr2line", "-iCe", program, hex(address)], capture_output=True, text=True).stdout.splitlines()
    own = [line for line in lines if "/src/" in line and "/rustc/" not in line and "/registry/" not in line]
    return " < ".join(line.rsplit("/src/")[-1] for line in own) or "?"


def main():
    program, kind, *options = sys.argv[1:]
    counts = executed(program, kind)
    # Those that run once for each request, and not once at the start.
    found = {address: counts[address] for address in locked(program) if counts[address] >= TIMES // 2}
    print(f"{kind:26} {sum(found.values()) / TIMES:7.1f}")
    if options == ["--list"]:
        for address, count in sorted(found.items(), key=lambda item: -item[1]):
            print(f"{count / TIMES:7.1f}  {place(program, address)}")


if __name__ == "__main__":
    main()
