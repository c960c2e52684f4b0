"""A real Chromium, pages from file:// with the network refused, and a real JupyterLab.

Chromium is looked for on the path, or where SIMLAB_CHROMIUM says. Without it these tests are
skipped, loudly; with CI=true in the environment they fail.
"""

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

ROOT = Path(__file__).parents[2]
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
PATIENCE = 60_000  # milliseconds that a page may take before a test gives up


def do_without(reason: str) -> None:
    """Fail in CI, where a browser must be; elsewhere skip and say so."""
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        pytest.fail(f"{reason}, and CI=true demands it")
    pytest.skip(f"BROWSER TESTS NOT RUN: {reason}")


# The scope is a module, not the session: playwright keeps an event loop running while it is open,
# and tests elsewhere that start their own would fail.
@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[BrowserContext]":
    """One Chromium with an empty profile."""
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        do_without('playwright is not installed (pip install "simlab[dev]")')
    found = os.environ.get("SIMLAB_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        do_without(f"none of {', '.join(NAMES)} is on the path; set SIMLAB_CHROMIUM")
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"),
            executable_path=found,
            args=list(FLAGS),
            headless=True,
            viewport={"width": 1000, "height": 1000},
        )
        context.set_default_timeout(PATIENCE)
        yield context
        context.close()


@dataclass
class OfflinePage:
    """A page from file://, and all it tried to load or complained about."""

    page: "Page"
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def point(self, row: int) -> tuple[float, float]:
        """Where point `row` of the map is now."""
        found = self.page.evaluate(
            "row => document.querySelector('.simlab-explorer').__simlab.point(row)", row
        )
        return found["x"], found["y"]

    def click_point(self, row: int) -> None:
        self.page.mouse.click(*self.point(row))
        self.page.wait_for_function(
            "row => document.querySelector('[data-widget]').model.get('query') === row", arg=row
        )

    def trait(self, name: str) -> Any:
        return self.page.evaluate(
            "name => document.querySelector('[data-widget]').model.get(name)", name
        )

    def set_trait(self, name: str, value: Any) -> None:
        """Change a trait as the kernel would."""
        self.page.evaluate(
            "([name, value]) => document.querySelector('[data-widget]').model.set(name, value)",
            [name, value],
        )

    def selected(self) -> list[int]:
        return self.page.evaluate(
            "() => { const view = document.querySelector('[data-widget]').model.get('selection');"
            " return [...new Int32Array(view.buffer, view.byteOffset, view.byteLength / 4)]; }"
        )


@pytest.fixture
def offline(chromium: "BrowserContext", tmp_path: Path) -> Iterator[Callable[[str], OfflinePage]]:
    """Open the text of a page from file://; every request over the network is refused."""
    opened: list[OfflinePage] = []

    def open_page(html: str) -> OfflinePage:
        file = tmp_path / "page.html"
        file.write_text(html, "utf-8")
        found = OfflinePage(chromium.new_page())
        opened.append(found)
        found.page.route(re.compile(r"^(https?|wss?):"), lambda route: route.abort())
        found.page.on("request", lambda request: found.requests.append(request.url))
        found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
        found.page.on(
            "console",
            lambda said: found.complaints.append(said.text) if said.type == "error" else None,
        )
        found.page.goto(file.as_uri())
        return found

    yield open_page
    for one in opened:
        one.page.close()


@dataclass(frozen=True)
class LabNotebook:
    """A notebook open in JupyterLab: run its cells, read their outputs, touch its widgets."""

    page: "Page"

    def run(self, cell: int) -> str:
        """Run one cell, wait for it, and give what it printed."""
        self.page.evaluate(
            """async cell => {
                const panel = jupyterapp.shell.currentWidget;
                panel.content.activeCellIndex = cell;
                panel.content.deselectAll();
                await jupyterapp.commands.execute("notebook:run-cell");
            }""",
            cell,
        )
        return self.printed(cell)

    def run_all(self) -> None:
        """Run all cells and wait until the kernel rests; raise if one failed."""
        self.page.evaluate(
            "async () => { await jupyterapp.commands.execute('notebook:run-all-cells'); }"
        )
        self.wait_until_idle()
        for cell in range(self.n_cells):
            for output in self.outputs(cell):
                if output["output_type"] == "error":
                    message = f"cell {cell} raised {output['ename']}: {output['evalue']}"
                    raise AssertionError(message)

    @property
    def n_cells(self) -> int:
        return self.page.evaluate("jupyterapp.shell.currentWidget.content.model.cells.length")

    def outputs(self, cell: int) -> list[dict[str, Any]]:
        """Outputs of a cell, as they stand in the notebook."""
        return self.page.evaluate(
            "cell => jupyterapp.shell.currentWidget.content.model.cells.get(cell)"
            ".sharedModel.toJSON().outputs ?? []",
            cell,
        )

    def printed(self, cell: int) -> str:
        return "".join(
            "".join(output["text"])
            for output in self.outputs(cell)
            if output["output_type"] == "stream"
        )

    def wait_until_idle(self) -> None:
        self.page.wait_for_function(
            "() => jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status"
            " === 'idle'"
        )

    def click_point(self, row: int) -> None:
        """Click a point of the first explorer, wherever it is scrolled to.

        Outputs that come in late may move the map between looking and clicking: then once more.
        """
        root = self.page.locator(".simlab-explorer[data-ready]").first
        for _ in range(10):
            root.locator(".surface").scroll_into_view_if_needed()
            found = root.evaluate("(root, row) => root.__simlab.point(row)", row)
            self.page.mouse.click(found["x"], found["y"])
            self.page.wait_for_timeout(500)
            if root.evaluate("root => root.__simlab.query()") == row:
                return
        message = f"point {row} was clicked and did not become the query"
        raise AssertionError(message)


@pytest.fixture(scope="session")
def lab_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, Path]]:
    """One JupyterLab that shares no settings and no data with the user: url, token, folder."""
    pytest.importorskip("jupyterlab", reason="BROWSER TESTS NOT RUN: jupyterlab is not installed")
    home = tmp_path_factory.mktemp("lab")
    places = {
        name: home / name
        for name in ("config", "data", "runtime", "settings", "workspaces", "ipython", "notebooks")
    }
    for place in places.values():
        place.mkdir()
    quiet = places["settings"] / "@jupyterlab" / "apputils-extension"
    quiet.mkdir(parents=True)
    quiet.joinpath("notification.jupyterlab-settings").write_text(
        json.dumps({"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True})
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(8)
    environment = os.environ | {
        "JUPYTER_CONFIG_DIR": str(places["config"]),
        "JUPYTER_DATA_DIR": str(places["data"]),
        "JUPYTER_RUNTIME_DIR": str(places["runtime"]),
        "JUPYTERLAB_SETTINGS_DIR": str(places["settings"]),
        "JUPYTERLAB_WORKSPACES_DIR": str(places["workspaces"]),
        "IPYTHONDIR": str(places["ipython"]),
        "JUPYTER_PLATFORM_DIRS": "1",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
    }
    log = home / "server.log"
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
        *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"),
        *(f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={places['notebooks']}"),
        *("--LabApp.extension_manager=readonly", "--expose-app-in-browser"),
    ]
    with log.open("wb") as sink:
        server = subprocess.Popen(command, env=environment, stdout=sink, stderr=sink)
        try:
            url = f"http://127.0.0.1:{port}"
            wait_for(f"{url}/api?token={token}", server, log)
            yield url, token, places["notebooks"]
        finally:
            server.terminate()
            server.wait(30)


def wait_for(url: str, server: subprocess.Popen, log: Path) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _ in range(240):
        if server.poll() is not None:
            break
        try:
            with opener.open(url, timeout=2):
                return
        except OSError:
            time.sleep(0.25)
    message = f"JupyterLab did not start:\n{log.read_text()[-2000:]}"
    raise RuntimeError(message)


@pytest.fixture
def lab(
    lab_server: tuple[str, str, Path], chromium: "BrowserContext"
) -> Iterator[Callable[[Path], LabNotebook]]:
    """Open a copy of a notebook in JupyterLab, with a kernel of this Python that finds simlab."""
    url, token, folder = lab_server
    opened = []

    def open_notebook(path: Path) -> LabNotebook:
        name = f"{secrets.token_hex(4)}-{Path(path).name}"
        shutil.copy(path, folder / name)
        page = chromium.new_page()
        opened.append(page)
        page.set_viewport_size({"width": 1280, "height": 1000})
        page.goto(f"{url}/lab/tree/{name}?token={token}&reset")
        page.wait_for_function(
            "() => window.jupyterapp?.shell?.currentWidget?.content?.model?.cells?.length > 0"
        )
        notebook = LabNotebook(page)
        notebook.wait_until_idle()
        return notebook

    yield open_notebook
    for page in opened:
        page.evaluate("() => jupyterapp.shell.currentWidget?.sessionContext?.shutdown()")
        page.close()
