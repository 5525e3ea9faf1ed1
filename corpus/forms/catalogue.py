"""Every form by its name."""

from __future__ import annotations

from corpus.forms.argilla import ARGILLA_FORM
from corpus.forms.arrow import ARROW_FORMS
from corpus.forms.jsonl import JSONL_FORMS
from corpus.forms.labelstudio import LABEL_STUDIO_FORM
from corpus.forms.sheet import CSV_FORM

FORMS = {
    form.name: form
    for form in (*JSONL_FORMS, *ARROW_FORMS, CSV_FORM, ARGILLA_FORM, LABEL_STUDIO_FORM)
}
