"""What `gorun check` may say of a file that the schema accepts.

A schema knows keys, types and ranges. It does not know what names stand for, how stages hang together,
what one option means for another, what a var holds, or a language within a text.

By itself: python3 beyond_schema.py DIRECTORY compares the verdicts on N.json, of which check says what is in
N.errors, with those of the schema in DIRECTORY/schema. Prints what it disagrees with.
"""
import json
import pathlib
import re
import sys

BEYOND = [
    # names
    "unknown stage", "unknown pool", "unknown var", "of the matrix", "no matrix here", "has no port", "declares no var",
    "no stage reads", "reads from", "sends no failed items", "two combinations of", "would run itself",
    # how stages hang together
    "stages wait for each other", " needs itself", " twice", "cannot complete before it starts", "runs after a failure",
    "has fewer places", "is too few", "asks how other stages ended", "without \"pool\"", "without \"order\"", "limits.memory",
    # rules between options
    "exclude each other", "is used only with", "refers to an item", "is fed an item", "gathers items", "has no meaning with",
    "needs \"argv\" or \"shell\"", "needs \"text\",", "needs \"match\"", "needs a \"url\"", "needs a \"pattern\"", "is larger than",
    "written atomically", "takes no \"field\"", "looks at", "both set the field", "is both a field", "names the columns",
    "columns are called", "cannot separate fields", "leads nowhere", "from run to run", "watches what", "one goroutine",
    # vars and files
    "--set: ", "var \"", "cannot read", "cannot include", "no file matches", "files(",
    # languages of their own
    "is not a regular expression", "is not a JSON pointer", "does not fit", "is no pattern", "is not a glob", "a path is empty", "is the root of", "can only match", "cannot refer to", "unknown expression",
    "empty expression", "\"${{\" without", "unknown word", "the condition", "without \")\"", "never closed", "expected true or false, got \"",
    "is not an HTTP method", "names no program", "holds a NUL byte", "leads out of",
]
OF_A_VAR = re.compile(r'"[^"]*": expected .* got [-"0-9]')


def unexplained(said, job):
    """The messages among `said`, the output of `check`, that the schema should have foreseen."""
    has_expression = "${{" in job
    return [message for message in re.findall(r"error: (.*)", said)
            if not any(phrase in message for phrase in BEYOND)
            and not (has_expression and OF_A_VAR.match(message))]


def without_comments(text):
    return re.sub(r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/', lambda match: match[1] or " ", text, flags=re.DOTALL)


def unlike_keys(pairs):
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a schema is shown one of them")
    return dict(pairs)


def main(directory):
    import jsonschema
    validator = jsonschema.Draft202012Validator(json.loads((directory / "schema").read_text()))
    shown = refused = wrong = 0
    files = list(directory.glob("*.json"))
    for file in files:
        try:
            text = file.read_text("utf-8")
            job = json.loads(without_comments(text), object_pairs_hook=unlike_keys)
        except ValueError:
            continue  # not JSON
        shown += 1
        if not validator.is_valid(job):
            refused += 1
            continue
        left = unexplained(file.with_suffix(".errors").read_text("utf-8", "replace"), text)
        if left:
            wrong += 1
            print(text, left)
    print("%d of %d are JSON, %d refused, %d disagreements" % (shown, len(files), refused, wrong))
    return 1 if wrong or refused < 20 else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
