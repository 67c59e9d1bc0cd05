"""Runs pages of the guides as they are written, and compares what comes out.

    quickstarts.py PAGE…

A block that begins with ```console is run: each line that begins with "$ " is a command (its
lines go on after a backslash), what follows is what it prints, stdout and stderr together. "…" in a
line stands for any text, a line that is "…" alone for any lines. A command must end with 0, unless
the block says otherwise: ```console exit=3.

A block that begins with ```LANGUAGE FILE is written to that file, in the folder of the commands
before it; one that begins with ```LANGUAGE FILE + is put at its end; and one that begins with
```LANGUAGE = FILE shows how that file begins, which is compared.

The commands of a page share one shell, in an empty folder of their own. The last line is the tally.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

END = "__quickstart_end__"
TIMEOUT_S = 900


@dataclass
class Command:
    """One command of a page, and what it prints."""

    line: int
    text: str
    exit: int
    expected: list[str] = field(default_factory=list)


@dataclass
class File:
    """A file that the reader writes, adds to, or looks at."""

    line: int
    path: str
    content: str
    how: str


def steps(page: Path) -> list[Command | File]:
    """What a reader does, in order."""
    found: list[Command | File] = []
    block: list[str] = []
    info: str | None = None
    begins = 0
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if info is None and line.startswith("```"):
            info, block, begins = line[3:].strip(), [], number
        elif line == "```":
            found.extend(of_block(info or "", block, begins))
            info = None
        elif info is not None:
            block.append(line)
    if info is not None:
        raise SystemExit(f"{page}:{begins}: the block never ends")
    return found


def of_block(info: str, lines: list[str], begins: int) -> list[Command | File]:
    language, _, rest = info.partition(" ")
    if language != "console":
        found = re.fullmatch(r"(=?) ?(\S+) ?(\+?)", rest)
        if found is None:
            return []
        return [File(begins, found[2], "\n".join(lines) + "\n", found[1] or found[3])]
    wanted = re.fullmatch(r"(?:exit=(\d+))?", rest)
    if wanted is None:
        raise SystemExit(f"line {begins}: no such word after console: {rest}")
    commands: list[Command] = []
    goes_on = False
    for number, line in enumerate(lines, begins + 1):
        if goes_on:
            commands[-1].text += "\n" + line
        elif line.startswith("$ "):
            commands.append(Command(number, line[2:], int(wanted[1] or 0)))
        elif not commands:
            raise SystemExit(f"line {number}: a block of a console begins with a command")
        else:
            commands[-1].expected.append(line)
            continue
        goes_on = commands[-1].text.endswith("\\")
    return commands


def pattern(expected: list[str]) -> re.Pattern[str]:
    """What the output must look like as a whole."""
    lines = []
    for line in expected:
        if line.strip() == "…":
            lines.append(r"(?:.*\n)*?")
        else:
            lines.append(
                ".*".join(re.escape(part.rstrip()) for part in line.split("…")) + r"[ ]*\n"
            )
    return re.compile("".join(lines))


class Shell:
    """A shell that keeps its folder and variables between commands."""

    def __init__(self, folder: Path):
        # Data and logins of whoever runs this stay out of it; compilers come from the cache.
        own = {"XDG_DATA_HOME": "data", "XDG_CONFIG_HOME": "config", "TMPDIR": "tmp"}
        places = {name: str(folder / at) for name, at in own.items()}
        for place in places.values():
            Path(place).mkdir(parents=True)
        kept = {name: value for name, value in os.environ.items() if not is_ours(name)}
        self.folder = folder / "work"
        self.folder.mkdir()
        self.process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=self.folder,
            env={**kept, **places, "NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "100"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, text: str) -> tuple[int, str]:
        """The exit code of a command, and what it printed."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        script = f"{{ {text}\n}} </dev/null\nprintf '\\n%s %d\\n' {END} $?\n"
        self.process.stdin.write(script)
        self.process.stdin.flush()
        printed = []
        watch = threading.Timer(TIMEOUT_S, self.kill)
        watch.start()
        for line in self.process.stdout:
            if line.startswith(END):
                watch.cancel()
                # The line end before the mark is ours.
                output = "".join(printed)
                return int(line.split()[1]), output.removesuffix("\n")
            printed.append(line)
        watch.cancel()
        return -1, "".join(printed) + f"(the shell is gone; a command may take {TIMEOUT_S} s)\n"

    def kill(self) -> None:
        """Ends the shell and whatever it started."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def end(self) -> None:
        self.kill()
        self.process.wait()


def is_ours(name: str) -> bool:
    return name.startswith("WFORGE_") or name == "USE_MOCK_WORKFLOW"


def run_page(page: Path) -> tuple[int, int]:
    """How many commands of the page did what it says, and how many did not."""
    passed = failed = 0
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="quickstart-") as folder:
        shell = Shell(Path(folder))
        for step in steps(page):
            is_command = isinstance(step, Command)
            problem = check(shell, step) if is_command else put(shell, step)
            if problem is None:
                passed += is_command
                continue
            failed += 1
            print(f"{page}:{step.line}: {problem}", flush=True)
            # What comes after would fail for the same reason.
            break
        shell.end()
    taken = time.monotonic() - begun
    print(f"{page}: {passed} commands in {taken:.0f} s{', then a failure' * failed}", flush=True)
    return passed, failed


def put(shell: Shell, file: File) -> str | None:
    """Writes the file, or says how it differs from what the page shows."""
    _, here = shell.run("pwd")
    path = Path(here.strip()) / file.path
    if file.how == "=":
        found = path.read_text() if path.is_file() else "(there is no such file)\n"
        is_same = found.startswith(file.content)
        return (
            None
            if is_same
            else f"{file.path}\n--- the page says\n{file.content}--- it has\n{found}"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a" if file.how == "+" else "w") as written:
        written.write(file.content)
    return None


def check(shell: Shell, command: Command) -> str | None:
    """What is wrong with what the command did; none where nothing is."""
    code, output = shell.run(command.text)
    text = output if output.endswith("\n") or not output else output + "\n"
    if code != command.exit:
        return f"$ {command.text}\n--- it ended with {code}, not {command.exit}\n{text}"
    lines = [line.rstrip() + "\n" for line in text.splitlines()]
    if pattern(command.expected).fullmatch("".join(lines)) is None:
        wanted = "".join(line + "\n" for line in command.expected)
        return f"$ {command.text}\n--- the page says\n{wanted}--- it printed\n{text}"
    return None


def main(pages: list[str]) -> int:
    if not pages:
        print(__doc__, file=sys.stderr)
        return 2
    results = [run_page(Path(page)) for page in pages]
    passed = sum(result[0] for result in results)
    failed = sum(result[1] for result in results)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
