from django.contrib import admin

from .models import Thing


@admin.register(Thing)
class ThingAdmin(admin.ModelAdmin):
    list_display = ["name", "price", "updated"]
    search_fields = ["name", "description"]
    list_per_page = 20
