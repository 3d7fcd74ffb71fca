"""What the public suites in YAML share: their scenarios, or that there are none to play here."""
import os

try:
    import yaml
except ImportError:
    yaml = None


def load(path, what):
    """All documents of the file; None, said, when the suite or the reader of YAML is not here (exit with SKIPPED then)."""
    if yaml is None or not os.path.exists(path):
        print(f'skipped: no {what} suite beside the project, or no python3-yaml')
        return None
    with open(path, encoding='utf-8') as f:
        return list(yaml.safe_load_all(f))


SKIPPED = 77
