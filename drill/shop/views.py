"""Every page notes its nonce first, then says which release made it."""

from django.http import JsonResponse
from django.views.decorators.csrf import csrf_exempt

from . import DOES_NOT_BOOT
from .models import Execution, Order
from .release import RELEASE

PAGE = 20  # orders
TAX_PERCENT = 20

if RELEASE == DOES_NOT_BOOT:
    import a_library_that_nobody_has_installed  # noqa: F401


@csrf_exempt
def orders(request, nonce):
    """The newest orders; one more by POST."""
    Execution.objects.create(nonce=nonce)
    if request.method == "POST":
        Order.objects.create(nonce=nonce, **_amounts(int(request.POST["net"])))
    newest = list(Order.objects.order_by("-id")[:PAGE])
    return JsonResponse({"nonce": nonce, "release": RELEASE, "orders": len(newest)})


def _amounts(net: int) -> dict[str, int]:
    tax = net * TAX_PERCENT // 100
    amounts = {"net": net, "tax": tax, "gross": net + tax}
    fields = {field.name for field in Order._meta.fields}
    return {name: value for name, value in amounts.items() if name in fields}
