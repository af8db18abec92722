"""Write what the panel brings along from other projects, out of their npm packages.

    npm pack preact htm @preact/signals @preact/signals-core uplot …    (in a folder of its own)
    python scripts/vendor_panel.py FOLDER

A browser finds modules by their place, not by their package's name: only that is changed in them.
SHA256SUMS has what was published, so that anybody can see that nothing else was.
"""

import hashlib
import sys
import tarfile
from pathlib import Path

SITE = Path(__file__).parent.parent / "src/ringback/panel/site"
# How modules name one another, as published and as a browser finds them here.
NAMES = {
    b'"preact"': b'"./preact.module.js"',
    b'"preact/hooks"': b'"./preact-hooks.module.js"',
    b'"@preact/signals-core"': b'"./signals-core.module.js"',
}
# Package (its tarball's name without the version) → file in it → our name.
PARTS = {
    "preact-": {
        "dist/preact.module.js": "vendor/preact.module.js",
        "hooks/dist/hooks.module.js": "vendor/preact-hooks.module.js",
        "LICENSE": "vendor/preact.LICENSE",
    },
    "htm-": {"dist/htm.module.js": "vendor/htm.module.js", "LICENSE": "vendor/htm.LICENSE"},
    "preact-signals-core-": {
        "dist/signals-core.module.js": "vendor/signals-core.module.js",
        "LICENSE": "vendor/signals-core.LICENSE",
    },
    "preact-signals-": {
        "dist/signals.module.js": "vendor/signals.module.js",
        "LICENSE": "vendor/signals.LICENSE",
    },
    "uplot-": {
        "dist/uPlot.esm.js": "vendor/uPlot.esm.js",
        "dist/uPlot.min.css": "vendor/uPlot.min.css",
        "LICENSE": "vendor/uPlot.LICENSE",
    },
    "fontsource-variable-inter-": {
        "files/inter-latin-wght-normal.woff2": "fonts/inter-latin.woff2",
        "files/inter-latin-ext-wght-normal.woff2": "fonts/inter-latin-ext.woff2",
        "LICENSE": "fonts/inter.LICENSE",
    },
    "fontsource-variable-jetbrains-mono-": {
        "files/jetbrains-mono-latin-wght-normal.woff2": "fonts/jetbrains-mono-latin.woff2",
        "files/jetbrains-mono-latin-ext-wght-normal.woff2": "fonts/jetbrains-mono-latin-ext.woff2",
        "LICENSE": "fonts/jetbrains-mono.LICENSE",
    },
}


def as_ours(published: bytes) -> bytes:
    """Name modules by their place."""
    for theirs, ours in NAMES.items():
        published = published.replace(b"from" + theirs, b"from" + ours)
    return published


def as_published(ours: bytes) -> bytes:
    """Take back what `as_ours` changed."""
    for theirs, here in NAMES.items():
        ours = ours.replace(b"from" + here, b"from" + theirs)
    return ours


def main(folder: Path) -> None:
    """Write every file and SHA256SUMS beside it."""
    sums: dict[str, list[str]] = {"vendor": [], "fonts": []}
    for package, parts in PARTS.items():
        (archive,) = (
            one for one in folder.glob(f"{package}*.tgz") if one.name[len(package)].isdigit()
        )
        version = archive.name[len(package) : -len(".tgz")]
        with tarfile.open(archive) as tar:
            for theirs, ours in parts.items():
                member = tar.extractfile(f"package/{theirs}")
                assert member is not None
                published = member.read()
                (SITE / ours).write_bytes(as_ours(published))
                room, name = ours.split("/")
                digest = hashlib.sha256(published).hexdigest()
                source = f"{package.removesuffix('-')} {version} {theirs}"
                sums[room].append(f"{digest}  {name}  {source}\n")
    for room, lines in sums.items():
        (SITE / room / "SHA256SUMS").write_text("".join(sorted(lines, key=lambda one: one[66:])))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
