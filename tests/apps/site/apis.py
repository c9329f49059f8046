"""APIs: Django REST framework with its schema and filters, and django-ninja."""

from django.http import HttpRequest
from ninja import File, NinjaAPI, Schema
from ninja.files import UploadedFile
from rest_framework import permissions, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.throttling import ScopedRateThrottle

from tests.apps.home.models import Note


class NoteSerializer(serializers.ModelSerializer):
    class Meta:
        model = Note
        fields = ["id", "title", "stars", "file"]


class NoteViewSet(viewsets.ModelViewSet):
    queryset = Note.objects.all()
    serializer_class = NoteSerializer
    permission_classes = [permissions.IsAuthenticatedOrReadOnly]
    filterset_fields = {"stars": ["exact", "gte"], "title": ["icontains"]}
    throttle_scope = "notes"

    def get_throttles(self):
        return [ScopedRateThrottle()] if self.action == "seldom" else []

    def perform_create(self, serializer):
        serializer.save(owner=self.request.user)

    @action(detail=False)
    def seldom(self, request):
        return Response({"seldom": True})


api = NinjaAPI(docs_url=None)


class Sum(Schema):
    first: int
    second: int = 1


@api.post("/sum")
def add(request: HttpRequest, data: Sum):
    return {"sum": data.first + data.second}


@api.post("/upload")
def upload(request: HttpRequest, file: File[UploadedFile]):
    return {"name": file.name, "bytes": len(file.read())}


@api.get("/async")
async def asynchronous(request: HttpRequest, name: str = "nobody"):
    return {"hello": name}
