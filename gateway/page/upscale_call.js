// One upscale, from the form that is sent to the picture that comes back: the only place that
// knows how the service is asked. Shows nothing.

import {blobFromBase64} from './base64.js';
import {readEvents} from './event_stream.js';

export const UPSCALE_PATH = '/v1/images/upscale';

// Previews of a picture on its way: as many as the service gives.
const PREVIEWS = 3;

/** Why there is no picture. */
export class UpscaleError extends Error {
  /**
   * `status` is HTTP's, 0 where no answer came; `param` the field at fault, by the service's
   * name for it; `code` a word for programs; `retryAfter` seconds, null where a retry is of no
   * use.
   */
  constructor(message, {status = 0, param = null, code = null, retryAfter = null} = {}) {
    super(message);
    this.name = 'UpscaleError';
    Object.assign(this, {status, param, code, retryAfter});
  }
}

function headersFor(apiKey) {
  return apiKey ? {Authorization: `Bearer ${apiKey}`} : {};
}

function retryAfterOf(response) {
  if (response.headers.get('x-should-retry') === 'false') return null;
  const seconds = Number.parseInt(response.headers.get('Retry-After') ?? '', 10);
  if (Number.isFinite(seconds)) return Math.max(seconds, 0);
  return response.status === 429 || response.status >= 500 ? 0 : null;
}

async function errorOf(response) {
  const {status} = response;
  const retryAfter = retryAfterOf(response);
  try {
    const {error} = await response.json();
    return new UpscaleError(error.message, {...error, status, retryAfter});
  } catch {
    return new UpscaleError(`the server answered with status ${status}`, {status, retryAfter});
  }
}

// The statuses that a failure inside of a stream would have had before it began.
const STATUS_OF_CODE = {
  deadline_passed: 504,
  deadline_unreachable: 504,
  draining: 503,
  interrupted: 503,
  loading: 503,
  metadata_too_large: 413,
  no_device: 503,
  out_of_memory: 413,
  result_too_large: 413,
  storage_full: 503,
  too_many_frames: 413,
  too_many_pixels: 413,
  unavailable: 503,
  upload_stalled: 504,
};
const STATUS_OF_TYPE = {
  authentication_error: 401,
  invalid_request_error: 400,
  permission_error: 403,
  rate_limit_error: 429,
};

// The answers that say themselves that the same request may do better later.
const WORTH_A_RETRY = [429, 503, 504];

function errorOfEvent({error}) {
  const status = STATUS_OF_CODE[error.code] ?? STATUS_OF_TYPE[error.type] ?? 500;
  return new UpscaleError(error.message, {
    ...error,
    status,
    retryAfter: WORTH_A_RETRY.includes(status) ? 0 : null,
  });
}

function lost() {
  return new UpscaleError('the connection broke', {retryAfter: 0});
}

function formOf({picture, fields}) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append('stream', 'true');
  form.append('partial_images', String(PREVIEWS));
  // Last, so that what is wrong with a setting is known before the picture has come.
  form.append('image', picture, picture.name);
  return form;
}

async function finish(data) {
  const format = data.output_format;
  return {...data, blob: await blobFromBase64(data.b64_json, `image/${format}`), b64_json: null};
}

async function watch(response, listener) {
  for await (const event of readEvents(response.body)) {
    const data = JSON.parse(event.data);
    switch (event.name) {
      case 'image_upscale.queued':
        listener.onQueued?.(data);
        break;
      case 'image_upscale.progress':
        listener.onProgress?.(data);
        break;
      case 'image_upscale.partial_image':
        listener.onPreview?.(await blobFromBase64(data.b64_json, `image/${data.output_format}`));
        break;
      case 'image_upscale.completed':
        return finish(data);
      case 'image_upscale.error':
        throw errorOfEvent(data);
    }
  }
  throw lost();
}

/**
 * Upscales `order.picture`, a File, with the settings `order.fields`. What happens on the way is
 * told to `listener`: onQueued and onProgress with the event's data, onPreview with a Blob. The
 * result is the last event's data, with the picture as `blob`. Throws UpscaleError, or AbortError
 * when `signal` fires, which stops the work on the server as well.
 */
export async function upscale(order, {apiKey, signal, listener}) {
  try {
    const response = await fetch(UPSCALE_PATH, {
      method: 'POST',
      headers: {Accept: 'text/event-stream', ...headersFor(apiKey)},
      body: formOf(order),
      signal,
    });
    if (!response.ok) throw await errorOf(response);
    return await watch(response, listener);
  } catch (error) {
    // What fetch and the body throw otherwise is the network's.
    if (error instanceof UpscaleError || signal.aborted) throw error;
    if (error instanceof TypeError) throw lost();
    throw error;
  }
}

/**
 * What the server is and allows, or {} where it does not say. `wantsKey` is set where it says so
 * only to those with a key.
 */
export async function capabilities(apiKey) {
  try {
    const response = await fetch('/v1/capabilities', {headers: headersFor(apiKey)});
    if (response.status === 401) return {wantsKey: true};
    return response.ok ? await response.json() : {};
  } catch {
    return {};
  }
}
