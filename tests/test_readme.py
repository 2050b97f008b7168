"""What the README shows, works."""

import re
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def blocks(text, language):
    """(line number of the first line, code) of each fenced block in a language."""
    pattern = rf"^```{language}\n(.*?)^```$"
    return [
        (text.count("\n", 0, match.start(1)) + 1, match.group(1))
        for match in re.finditer(pattern, text, flags=re.MULTILINE | re.DOTALL)
    ]


def test_python_blocks_run_in_order(tmp_path, monkeypatch):
    code_blocks = blocks(README.read_text(encoding="utf-8"), "python")
    assert code_blocks, "no python block found: has the README's markup changed?"
    monkeypatch.chdir(tmp_path)  # files that an example writes
    namespace = {"__name__": "readme"}
    for line, code in code_blocks:
        # the empty lines make a traceback show the README's own line numbers
        exec(compile("\n" * (line - 1) + code, str(README), "exec"), namespace)


def test_readme_starts_with_the_two_commands():
    text = README.read_text(encoding="utf-8")
    shell = blocks(text, "bash")
    commands = [command for _, code in shell for command in code.splitlines() if command][:2]
    assert "pip install" in commands[0] and "-m sknoisy audit" in commands[0]
    assert "[test]" in commands[1] and commands[1].endswith('pytest -n 2 -m "not slow"')
    first_line = shell[0][0]
    assert all(line > first_line for line, _ in blocks(text, "python"))
