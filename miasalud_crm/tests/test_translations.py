from babel.messages.pofile import read_po
from odoo.tests import TransactionCase, tagged
from odoo.tools import file_open
from odoo.tools.translate import TranslationModuleReader


@tagged("post_install", "-at_install")
class TestTranslations(TransactionCase):
    def terms(self, name):
        with file_open(f"miasalud_crm/i18n/{name}", "rb") as source:
            return {message.id: message for message in read_po(source) if message.id}

    def test_every_term_is_there_in_spanish(self):
        spanish = self.terms("es.po")
        template = self.terms("miasalud_crm.pot")
        self.assertEqual(template.keys() - spanish.keys(), set())
        self.assertEqual(
            [term for term in template if not spanish[term].string or spanish[term].fuzzy], []
        )

    def test_template_holds_every_term_of_the_addon(self):
        found = {row[4] for row in TranslationModuleReader(self.env.cr, ["miasalud_crm"])}
        self.assertEqual(found - self.terms("miasalud_crm.pot").keys(), set())

    def test_spanish_has_no_term_that_is_gone(self):
        self.assertEqual(self.terms("es.po").keys() - self.terms("miasalud_crm.pot").keys(), set())

    def test_placeholders_are_the_same_in_spanish(self):
        for term, message in self.terms("es.po").items():
            for mark in ("%s", "%(url)s", "%(reason)s"):
                self.assertEqual(term.count(mark), message.string.count(mark), term)
