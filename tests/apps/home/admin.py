"""The note in the admin, with django-import-export and django-simple-history."""

from django.contrib import admin
from import_export.admin import ImportExportModelAdmin
from simple_history.admin import SimpleHistoryAdmin

from .models import Note


@admin.register(Note)
class NoteAdmin(ImportExportModelAdmin, SimpleHistoryAdmin):
    list_display = ["title", "stars"]
