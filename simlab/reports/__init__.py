"""Pages to share: one HTML file, offline and still interactive."""

from simlab.reports._report import report as report
