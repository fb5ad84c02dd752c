import type { View } from '../context.ts';
import { action, fill, h } from '../dom.ts';
import { createForm, type Field, input, textarea } from '../form.ts';
import { ago, bytes } from '../format.ts';
import type { Details, RunningUpload, Unfinished, Uploads } from '../uploads.ts';
import { visibilitySelect } from './media.ts';
import { uploadRow } from './upload-row.ts';

export const upload: View = async (context, { leaving }) => {
  const { uploads, toasts } = context;
  const rows = new Map<RunningUpload, HTMLElement>();
  const running = h('ul', { class: 'uploads', 'data-testid': 'uploads' });
  const unfinished = h('section', { class: 'card', 'aria-label': 'Unfinished uploads' });

  async function showUnfinished(): Promise<void> {
    const busy = uploads.running.get().map(({ filename }) => filename);
    const left = (await uploads.unfinished()).filter(
      ({ metadata }) => !busy.includes(metadata.filename ?? ''),
    );
    const discard = (one: Unfinished) => async () => {
      await uploads.discard(one);
      await showUnfinished();
    };
    const items = left.map((one) =>
      h(
        'li',
        {},
        h('span', {}, `${one.metadata.filename} · ${bytes(one.size ?? 0)} · begun ${ago(one.creationTime)}`),
        action('Discard', discard(one), toasts.fail, { class: 'quiet danger' }),
      ),
    );
    unfinished.hidden = left.length === 0;
    const hint = 'Choose the same file again, and it goes on where it stopped.';
    fill(
      unfinished,
      h('h2', {}, 'Unfinished'),
      h('p', { class: 'hint' }, hint),
      h('ul', { class: 'plain' }, ...items),
    );
  }

  uploads.running.watch((entries) => {
    for (const [entry, row] of rows) if (!entries.includes(entry)) row.remove();
    for (const entry of entries) {
      if (rows.has(entry)) continue;
      const row = uploadRow(context, entry, leaving);
      rows.set(entry, row);
      running.prepend(row);
    }
    void showUnfinished();
  }, leaving);

  await showUnfinished();
  return h('div', { class: 'narrow wide' }, h('h1', {}, 'Upload'), running, unfinished, uploadForm(uploads));
};

function uploadForm(uploads: Uploads): HTMLElement {
  const file = input('file', { accept: 'image/*,video/*,audio/*,.mkv,.heic', required: true });
  const title = input('text', { maxlength: 200 });
  const description = textarea('', { rows: 3 });
  const tags = input('text');
  const visibility = visibilitySelect();
  const note = h('p', { class: 'note', role: 'status', hidden: true });
  const details: Field[] = [
    { name: 'title', label: 'Title', control: title, hint: 'Left empty, the name of the file' },
    { name: 'description', label: 'Description', control: description },
    { name: 'tags', label: 'Tags', control: tags, hint: 'Separated by commas' },
    { name: 'visibility', label: 'Who may see it', control: visibility },
  ];
  let previous: Unfinished | undefined;

  /** What was said when the upload began, stays. */
  function follow(found: Unfinished | undefined): void {
    previous = found;
    for (const { name, control } of details) {
      control.disabled = found !== undefined;
      if (found !== undefined) control.value = found.metadata[name] ?? '';
    }
    note.hidden = found === undefined;
    if (found !== undefined) fill(note, `Begun ${ago(found.creationTime)}: it goes on where it stopped.`);
  }

  async function onFile(): Promise<void> {
    const [chosen] = file.files ?? [];
    const found = chosen === undefined ? undefined : await uploads.find(chosen);
    follow(found);
  }
  file.addEventListener('change', () => void onFile());

  const form: HTMLFormElement = createForm({
    fields: [{ name: 'file', label: 'Picture, video or sound', control: file }, ...details],
    submitLabel: 'Upload',
    async submit(values) {
      const [chosen] = file.files ?? [];
      if (chosen === undefined) throw new Error('Choose a file first.');
      uploads.start(chosen, values as unknown as Details, previous);
      follow(undefined);
      form.reset();
    },
  });
  form.querySelector('.field')?.after(note);
  acceptDrops(form, file, onFile);
  form.classList.add('card');
  return form;
}

/** A file may also be dropped anywhere on the form. */
function acceptDrops(form: HTMLFormElement, file: HTMLInputElement, onFile: () => Promise<void>): void {
  form.addEventListener('dragover', (event) => {
    event.preventDefault();
    form.classList.add('dropping');
  });
  form.addEventListener('dragleave', () => form.classList.remove('dropping'));
  form.addEventListener('drop', (event) => {
    event.preventDefault();
    form.classList.remove('dropping');
    if (!event.dataTransfer?.files.length) return;
    file.files = event.dataTransfer.files;
    void onFile();
  });
}
