from django.contrib import admin

from .models import Thing


@admin.register(Thing)
class ThingAdmin(admin.ModelAdmin):
    list_display = ["name", "price", "updated"]
    search_fields = ["name", "description"]
    list_per_page = 20

    def save_model(self, request, obj, form, change):
        if not change:
            obj.added_by = request.user
        super().save_model(request, obj, form, change)
