// The same upscale as a command to paste: what the page did, done again without it. Everything
// that a user has typed is quoted, so that it cannot become a command of its own.

import {UPSCALE_PATH} from './upscale_call.js';

// Where the commands look for the key. The key itself is not for clipboards and histories.
export const KEY_VARIABLE = 'UPSCALER_API_KEY';

/** One word of a POSIX shell that means exactly `text`. */
export function shellWord(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A string of Python that means exactly `text`: JSON's notation is one. */
export function pythonString(text) {
  return JSON.stringify(text);
}

// curl's own quotes, inside of the shell's: a name may hold commas and semicolons.
function curlFile(name) {
  return `"${name.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/**
 * A command that saves the picture. `order` is {origin, fields, input, output, wantsKey}: the
 * settings by their REST names, and the names of the two files.
 */
export function curlCommand({origin, fields, input, output, wantsKey}) {
  const parts = ['curl -fsS'];
  parts.push(`-H ${shellWord(`Accept: image/${fields.output_format}`)}`);
  if (wantsKey) parts.push(`-H "Authorization: Bearer $${KEY_VARIABLE}"`);
  parts.push(`-F ${shellWord(`image=@${curlFile(input)}`)}`);
  for (const [name, value] of Object.entries(fields)) {
    parts.push(`--form-string ${shellWord(`${name}=${value}`)}`);
  }
  parts.push(`-o ${shellWord(output)}`);
  parts.push(shellWord(origin + UPSCALE_PATH));
  return `${parts.join(' \\\n  ')}\n`;
}

/** A program that saves the picture, with the package requests. `order` as for curlCommand. */
export function pythonProgram({origin, fields, input, output, wantsKey}) {
  const headers = [`"Accept": "image/${fields.output_format}"`];
  if (wantsKey) headers.push(`"Authorization": "Bearer " + os.environ["${KEY_VARIABLE}"]`);
  const lines = wantsKey ? ['import os', ''] : [];
  lines.push('import requests', '');
  lines.push(`with open(${pythonString(input)}, "rb") as picture:`);
  lines.push('    answer = requests.post(');
  lines.push(`        ${pythonString(origin + UPSCALE_PATH)},`);
  lines.push(`        headers={${headers.join(', ')}},`);
  lines.push('        files={"image": picture},');
  lines.push('        data={');
  for (const [name, value] of Object.entries(fields)) {
    lines.push(`            ${pythonString(name)}: ${pythonString(value)},`);
  }
  lines.push('        },', '    )', 'answer.raise_for_status()', '');
  lines.push(`with open(${pythonString(output)}, "wb") as file:`);
  lines.push('    file.write(answer.content)', '');
  return lines.join('\n');
}
