import { fill, h } from './dom.ts';
import { ApiProblem, messageOf } from './problem.ts';

export type Control = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

export type Field = {
  name: string;
  label: string;
  control: Control;
  hint?: string;
  /** Codes of problems that are about this field. */
  codes?: readonly string[];
};

type Values = Record<string, string>;

type Options = {
  fields: readonly Field[];
  submitLabel: string;
  submit(values: Values): Promise<void>;
  cancel?: () => void;
};

/** A form that shows a problem beside the field that it is about, and moves the focus there. */
export function createForm({ fields, submitLabel, submit, cancel }: Options): HTMLFormElement {
  const problem = h('p', { role: 'alert', class: 'problem', hidden: true });
  const rows = fields.map(createRow);
  const button = h('button', { type: 'submit', class: 'primary' }, submitLabel);
  const form = h(
    'form',
    { novalidate: true },
    ...rows.map(({ element }) => element),
    problem,
    h(
      'div',
      { class: 'actions' },
      button,
      cancel && h('button', { type: 'button', onclick: cancel }, 'Cancel'),
    ),
  );

  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    for (const row of rows) row.tell('');
    problem.hidden = true;
    button.disabled = true;
    try {
      await submit(Object.fromEntries(fields.map(({ name, control }) => [name, control.value])));
    } catch (error) {
      showProblem(error);
    } finally {
      button.disabled = false;
    }
  });

  function showProblem(error: unknown): void {
    const told = rows.filter(({ field, tell }) => {
      const message = messageFor(field, error);
      if (message !== undefined) tell(message);
      return message !== undefined;
    });
    told[0]?.field.control.focus();
    if (told.length > 0) return;
    fill(problem, messageOf(error));
    problem.hidden = false;
  }

  return form;
}

let count = 0;

function createRow(field: Field) {
  const { control, name, label, hint } = field;
  const id = `field-${++count}`;
  const error = h('p', { id: `${id}-error`, class: 'field-error', hidden: true });
  control.id = id;
  control.name = name;
  const describedBy = [`${id}-error`, hint !== undefined && `${id}-hint`].filter(Boolean).join(' ');
  control.setAttribute('aria-describedby', describedBy);
  const element = h(
    'div',
    { class: 'field' },
    h('label', { for: id }, label),
    control,
    hint !== undefined && h('p', { id: `${id}-hint`, class: 'hint' }, hint),
    error,
  );
  return {
    element,
    field,
    tell(message: string) {
      fill(error, message);
      error.hidden = message === '';
      control.setAttribute('aria-invalid', String(message !== ''));
    },
  };
}

function messageFor({ name, label, codes = [] }: Field, error: unknown): string | undefined {
  if (!(error instanceof ApiProblem)) return undefined;
  if (codes.includes(error.code)) return error.message;
  const message = error.errors
    .find(({ path }) => path === name || path.startsWith(`${name}.`))
    ?.message.replaceAll('`', '');
  // The services speak in half-sentences: "is shorter than 8 characters".
  return message !== undefined && /^[a-z]/.test(message) ? `${label} ${message}.` : message;
}

export function input(type: string, attributes: Record<string, string | number | boolean | undefined> = {}) {
  return h('input', { type, ...attributes });
}

export function select(options: Record<string, string>, chosen?: string): HTMLSelectElement {
  const entries = Object.entries(options);
  return h(
    'select',
    {},
    ...entries.map(([value, text]) => h('option', { value, selected: value === chosen }, text)),
  );
}

export function textarea(value = '', attributes: Record<string, string | number> = {}): HTMLTextAreaElement {
  const element = h('textarea', attributes);
  element.value = value;
  return element;
}
