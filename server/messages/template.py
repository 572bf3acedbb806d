"""The texts of messages as templates: `Hi {{ name or 'there' }}`. A small, harmless part of Jinja2.

Plain text goes in and comes out: the snippet shows it as text, so nothing is escaped here.
"""

from functools import lru_cache

from jinja2 import Template, TemplateSyntaxError, nodes
from jinja2.sandbox import SandboxedEnvironment

FILTERS = ("capitalize", "d", "default", "lower", "title", "trim", "upper")

# No loops, calls, arithmetic or ordering: whatever the file says and whatever the names hold, rendering ends
# soon, stays small and cannot fail.
_ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.Filter,
    nodes.If,
    nodes.CondExpr,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Compare,
    nodes.Operand,
    nodes.Test,
)
_TESTS = ("defined", "undefined")
_COMPARISONS = ("eq", "ne")


def _environment() -> SandboxedEnvironment:
    environment = SandboxedEnvironment(autoescape=False, keep_trailing_newline=False)
    environment.filters = {name: environment.filters[name] for name in FILTERS}
    environment.tests = {name: environment.tests[name] for name in _TESTS}
    environment.globals = {}
    return environment


_ENVIRONMENT = _environment()


def check_template(text: str) -> None:
    """Raises ValueError with what the template's author should change."""
    if not _is_template(text):
        return
    try:
        tree = _ENVIRONMENT.parse(text)
    except TemplateSyntaxError as error:
        line = f" in line {error.lineno} of the text" if "\n" in text.strip() else ""
        raise ValueError(f"This template cannot be read{line}: {error.message}") from None
    _check(tree)
    compile_template(text)


def _check(node: nodes.Node) -> None:
    for child in node.iter_child_nodes():
        if not isinstance(child, _ALLOWED):
            refused = type(child).__name__.lower()
            raise ValueError(f"A message's template takes names, filters, `or` and `if`, no {refused}.")  # noqa: TRY004
        if isinstance(child, nodes.Filter) and child.name not in FILTERS:
            raise ValueError(f"There is no filter '{child.name}'; there are {', '.join(FILTERS)}.")
        if isinstance(child, nodes.Operand) and child.op not in _COMPARISONS:
            raise ValueError("A message's template compares with == and != only.")
        if isinstance(child, nodes.Test) and child.name not in _TESTS:
            raise ValueError(f"There is no test '{child.name}'; there are {', '.join(_TESTS)}.")
        _check(child)


@lru_cache(maxsize=4_096)
def compile_template(text: str) -> Template | None:
    """The compiled template, or None for a text without any."""
    return _ENVIRONMENT.from_string(text) if _is_template(text) else None


def _is_template(text: str) -> bool:
    return "{{" in text or "{%" in text or "{#" in text
