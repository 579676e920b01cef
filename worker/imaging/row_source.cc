#include "worker/imaging/row_source.h"

#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "common/status_macros.h"
#include "worker/imaging/within_memory.h"

namespace upscaler {
namespace {

using vips::VImage;

// Rows that libvips asks for at a time.
constexpr int kRowsAtATime = 16;

}  // namespace

RowSource::RowSource(PictureRows& rows)
    : rows_(rows), band_{.width = rows.width(), .height = 0, .bits = rows.bits(), .pixels = {}} {
  MutexLock lock(mutex_);
  const VImage lazy(vips_image_new());
  VipsImage* image = lazy.get_image();
  vips_image_init_fields(image, rows.width(), rows.height(), Image::kChannels,
                         SampleFormat(rows.bits()), VIPS_CODING_NONE,
                         SpaceOf(Image::kChannels, rows.bits()), 1, 1);
  if (vips_image_pipelinev(image, VIPS_DEMAND_STYLE_THINSTRIP, nullptr) != 0 ||
      vips_image_generate(image, nullptr, &RowSource::Generate, nullptr, this, nullptr) != 0) {
    throw vips::VError();
  }
  picture_ = lazy.sequential(VImage::option()->set("tile_height", kRowsAtATime));
}

int RowSource::Generate(VipsRegion* out, void* /*sequence*/, void* self, void* /*unused*/,
                        int* /*stop*/) {
  auto* source = static_cast<RowSource*>(self);
  MutexLock lock(source->mutex_);
  if (source->error_.ok()) source->error_ = source->Fill(out);
  return source->error_.ok() ? 0 : -1;
}

absl::Status RowSource::Fill(VipsRegion* out) {
  const VipsRect& wanted = out->valid;
  const std::size_t pixel_bytes = band_.bytes_per_pixel();
  const std::size_t bytes = static_cast<std::size_t>(wanted.width) * pixel_bytes;
  for (int y = wanted.top; y < wanted.top + wanted.height; ++y) {
    while (y >= band_top_ + band_.height) UPSCALER_RETURN_IF_ERROR(Advance());
    if (y < band_top_) return absl::InternalError("rows of a picture are read twice");
    const std::size_t from = static_cast<std::size_t>(y - band_top_) * band_.bytes_per_row() +
                             static_cast<std::size_t>(wanted.left) * pixel_bytes;
    std::memcpy(VIPS_REGION_ADDR(out, wanted.left, y), band_.pixels.data() + from, bytes);
  }
  return absl::OkStatus();
}

absl::Status RowSource::Advance() {
  const int top = band_top_ + band_.height;
  band_.pixels = {};  // Before there are two of them.
  UPSCALER_ASSIGN_OR_RETURN(Image next, WithinMemory([this] { return rows_.Next(); }));
  if (next.width != rows_.width() || next.bits != rows_.bits() || next.height < 1) {
    return absl::InternalError(fmt::format("rows {}x{} of {} bits came; {} wide of {} are wanted",
                                           next.width, next.height, next.bits, rows_.width(),
                                           rows_.bits()));
  }
  band_ = std::move(next);
  band_top_ = top;
  return absl::OkStatus();
}

}  // namespace upscaler
