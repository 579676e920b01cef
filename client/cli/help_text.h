// What `upscale --help` says besides the list of options.

#pragma once

namespace upscaler {

inline constexpr const char* kHelpDescription =
    "Doubles or quadruples the resolution of pictures with a diffusion model that runs on a "
    "server.";

inline constexpr const char* kHelpFooter = R"(
Examples:
  One picture, saying what it shows:
    upscale cat.png -o cat-large.png --prompt "a cat on a red sofa"
  Several, each beside its original, as cat-2x.png and dog-2x.png:
    upscale cat.png dog.jpg
  A folder with its subfolders into another one, and later what is new in it:
    upscale photos -r -o large --format jpeg
    upscale photos -r -o large --format jpeg --skip-existing
  What that would take, without doing it:
    upscale photos -r -o large --dry-run
  What a pattern stands for, in quotes where the command is to look it up:
    upscale "photos/*.jpg" -o large
  Four times as wide and as high, with 16 bits, as cat-4x.tiff:
    upscale cat.png --scale 4 --format tiff --bit-depth 16
  Three versions, as cat-2x-1.png to cat-2x-3.png:
    upscale cat.png --n 3 --seed 7
  In a pipe:
    curl -s https://example.org/cat.jpg | upscale - -o - > cat-2x.png
  Without a server, one is started for this command alone:
    upscale photos -o large --local --model /models/x2-upscaler
  Latents of Stable Diffusion, saved with numpy.save:
    upscale latents.npy -o cat.png --latents-family sd2

Outputs:
  With one input file, -o is a file, unless it is a folder that exists or ends in
  "/". Otherwise -o is a folder, which is made where it is missing, and outputs are
  named after their inputs. Files appear whole or not at all. What is there already
  is replaced, unless --skip-existing is given; an input only with --overwrite-input.
  Progress, warnings and errors go to standard error; --json and --dry-run print to
  standard output. --json prints one line a picture: file, output, status (done,
  skipped, failed or estimated); pictures, timings and warnings where it is done;
  error where it failed; with --dry-run width and height (not of latents),
  output_width, output_height, tiles, device_memory_bytes, host_memory_bytes and,
  where the server can tell, work_seconds and eta_seconds.

Exit codes:
    0  every picture is written, or was there already
    1  the server refused a request or failed; with several pictures: any of them failed
    2  the command line makes no sense
    3  a file cannot be read or written; with several pictures: nothing else went wrong
    4  there is no server at the address, it was away for as long as --retry says, or
       --local could not start one, or that one has ended
  130  interrupted, by Ctrl-C say: what is written stays, what was being done is
       cancelled on the server too)";

}  // namespace upscaler
