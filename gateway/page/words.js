// What the page says: the service's names and messages in words for people.

const LABELS = {
  image: 'Picture',
  prompt: 'Prompt',
  negative_prompt: 'Negative prompt',
  guidance_scale: 'Guidance',
  num_inference_steps: 'Steps',
  seed: 'Seed',
  scale: 'Scale',
  output_format: 'Format',
  alpha: 'Transparency',
};

/** What the page calls a field of the service. */
export function labelOf(param) {
  return LABELS[param] ?? param;
}

/** A message of the service as a sentence, with the page's name for the field. */
export function sentence(message, param = null) {
  let text = message.trim();
  if (param !== null && text.startsWith(`${param}:`)) {
    text = `${labelOf(param)}${text.slice(param.length)}`;
  } else if (param !== null && param in LABELS) {
    text = `${labelOf(param)}: ${text}`;
  }
  text = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

const plural = (count, one, many) => `${count} ${count === 1 ? one : many}`;

/** "about 40 s", "about 3 min"; as short as it is vague. */
export function duration(seconds) {
  if (seconds < 1) return 'about 1 s';
  if (seconds < 90) return `about ${Math.round(seconds)} s`;
  if (seconds < 5400) return `about ${Math.round(seconds / 60)} min`;
  return `about ${Math.round(seconds / 3600)} h`;
}

/** A time that was measured. */
export function seconds(value) {
  return `${value.toFixed(value < 10 ? 1 : 0)} s`;
}

export function bytes(count) {
  if (count < 1000) return plural(count, 'byte', 'bytes');
  if (count < 999_500) return `${Math.round(count / 1000)} kB`;
  return `${(count / 1e6).toFixed(1)} MB`;
}

export function size(width, height) {
  return `${width} × ${height}`;
}

export function queuePlace(position) {
  if (position === 0) return 'Next in the queue';
  return `${plural(position, 'picture', 'pictures')} ahead in the queue`;
}

const PHASES = {encode: 'Reading the picture', denoise: 'Upscaling', decode: 'Finishing'};

export function phase(name) {
  return PHASES[name] ?? 'Working';
}

const TITLES = {
  0: 'The server cannot be reached',
  401: 'An API key is needed',
  403: 'This is not allowed',
  413: 'The picture is too large',
  429: 'The server is busy',
  503: 'The server is not ready',
  504: 'It took too long',
};

// Where the service counts what means nothing to those who sit at the page.
const TEXTS = {
  queue_full: 'All places in its queue are taken.',
  loading: 'It is still loading its model.',
  draining: 'It is about to stop.',
};

/** An UpscaleError as {title, text}. */
export function failure(error) {
  if (error.status === 0) {
    return {
      title: TITLES[0],
      text: 'It is not running, or the connection broke. Your picture and settings are still here.',
    };
  }
  const fallback = error.status < 500 ? 'This did not work' : 'The server failed';
  return {
    title: TITLES[error.status] ?? fallback,
    text: TEXTS[error.code] ?? sentence(error.message, error.param),
  };
}
