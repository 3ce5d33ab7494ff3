"""Client of the Unlasting prediction service: how single cells respond to perturbations.

    import anndata, unlasting
    client = unlasting.Client("127.0.0.1:50051")
    predicted = client.predict(anndata.read_h5ad("controls.h5ad"), genes=["STAT1"])
    print(unlasting.top_genes(predicted))
"""

__version__ = "0.2.0"

from unlasting.aio import AsyncClient  # noqa: E402
from unlasting.client import Client  # noqa: E402
from unlasting.connection import TLS  # noqa: E402
from unlasting.doses import parse_dose  # noqa: E402
from unlasting.errors import (AccessError, BusyError, DeadlineError, IncompleteError,  # noqa: E402
                              InvalidInputError, NotFoundError, UnavailableError, UnlastingError,
                              UnlastingWarning, Violation)
from unlasting.local import LocalModel  # noqa: E402
from unlasting.plotting import plot  # noqa: E402
from unlasting.ranking import top_genes  # noqa: E402
from unlasting.retry import RetryPolicy  # noqa: E402

__all__ = ["AccessError", "AsyncClient", "BusyError", "Client", "DeadlineError", "IncompleteError",
           "InvalidInputError", "LocalModel", "NotFoundError", "RetryPolicy", "TLS",
           "UnavailableError", "UnlastingError", "UnlastingWarning", "Violation", "parse_dose",
           "plot", "top_genes"]
