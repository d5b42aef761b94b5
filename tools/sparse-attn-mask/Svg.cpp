//===- Svg.cpp - Pictures as scalable vector graphics ---------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Svg.h"

#include "XmlText.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <sstream>

namespace sparse_attn::tools::mask {

namespace {

/// Shades of a colour. Few, so that runs of one shade are long.
constexpr int shades = 8;

// In pixels.
constexpr uint32_t pictureSide = 768, maxCellSide = 24, leastWidth = 480, bareSide = 160;
constexpr uint32_t leftMargin = 84, topMargin = 104, rightMargin = 24, legendHeight = 48, scaleHeight = 28;
constexpr uint32_t axisTitleLength = 88, titleLetter = 10, titleMargin = 32;
constexpr uint32_t tickDistanceX = 72, tickDistanceY = 36;

// Blue and orange are told apart with any kind of colour vision (Okabe and Ito, 2008).
constexpr const char *style = "text{font-family:sans-serif;font-size:13px;fill:#222}"
                              ".title{font-size:16px;font-weight:bold}.tick{font-size:11px;fill:#555}"
                              ".empty{fill:#eee}.partial{fill:#e69f00}.full{fill:#0072b2}"
                              ".grid{stroke:#fff;stroke-width:.06;fill:none}.frame{fill:none;stroke:#888}";

double opacityOf(int shade) { return 0.2 + 0.8 * (shade - 1) / (shades - 1); }

/// Long titles of odd files are cut off.
uint32_t titleWidth(const std::string &title) {
  return titleMargin + titleLetter * static_cast<uint32_t>(std::min<size_t>(title.size(), 200));
}

/// The next of 1, 2, 5, 10, 20, 50, ... from `least` on.
uint64_t roundTick(double least) {
  for (uint64_t power = 1;; power *= 10)
    for (uint64_t digit : {1, 2, 5})
      if (static_cast<double>(power * digit) >= least)
        return power * digit;
}

/// Where the cells are, in pixels, and how large the document is.
struct Layout {
  uint32_t cellSide, left, top, width, height;
};

uint32_t cellSideIn(const Picture &picture, uint32_t side) {
  return std::clamp(side / std::max({picture.rows(), picture.columns(), 1u}), 1u, maxCellSide);
}

uint32_t bodyHeightOf(const Picture &picture, uint32_t cellSide) {
  return std::max(picture.rows() * cellSide, axisTitleLength);
}

/// With room for title, axes and legend.
Layout layOutPage(const Subject &subject, const Picture &picture) {
  uint32_t cellSide = cellSideIn(picture, pictureSide);
  return {cellSide, leftMargin, topMargin,
          std::max({leftMargin + picture.columns() * cellSide + rightMargin, leastWidth, titleWidth(subject.title)}),
          topMargin + bodyHeightOf(picture, cellSide) + legendHeight + (picture.scale() > 1 ? scaleHeight : 0)};
}

/// With room for the frame, of a pixel, alone.
Layout layOutCells(const Picture &picture) {
  uint32_t cellSide = cellSideIn(picture, bareSide);
  return {cellSide, 1, 1, picture.columns() * cellSide + 2, picture.rows() * cellSide + 2};
}

/// Writes a document piece by piece.
class SvgWriter {
public:
  SvgWriter(const Subject &subject, const Picture &picture, Layout layout)
      : subject(subject), picture(picture), cellSide(layout.cellSide), left(layout.left), top(layout.top),
        width(layout.width), height(layout.height), largestShare(picture.largestShare()) {}

  std::string write() {
    writeStart();
    writeHead();
    writeAxes();
    writeCells();
    writeLegend();
    svg << "</svg>\n";
    return svg.str();
  }

  std::string writeBare() {
    writeStart();
    writeCells();
    svg << "</svg>\n";
    return svg.str();
  }

private:
  void writeStart() {
    svg << "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" << width << "\" height=\"" << height
        << "\" viewBox=\"0 0 " << width << " " << height << "\">\n<title>" << xmlText(subject.title)
        << "</title>\n<desc>" << counts() << "</desc>\n<style>" << style
        << "</style>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n";
  }

  std::string counts() const {
    std::ostringstream text;
    text << picture.full() << " full, " << picture.partial() << " partial, " << picture.empty() << " empty, "
         << percentage(picture.full() + picture.partial(), picture.blocks()) << " read";
    return text.str();
  }

  void writeText(double x, double y, const std::string &text, const char *attributes = "") {
    svg << "<text x=\"" << x << "\" y=\"" << y << "\"" << attributes << ">" << xmlText(text) << "</text>\n";
  }

  void writeHead() {
    std::ostringstream line;
    line << picture.grid() << ", " << percentage(picture.full() + picture.partial(), picture.blocks()) << " read";
    writeText(16, 26, subject.title, " class=\"title\"");
    writeText(16, 46, line.str());
    if (subject.overestimated)
      writeText(16, 64, "The listing of blocks stopped early: more are read than need be.");
  }

  /// Pixels from the first block to block `index`.
  double offsetOf(uint64_t index) const { return static_cast<double>(index) / picture.scale() * cellSide; }

  void writeAxes() {
    const BlockGrid &grid = picture.grid();
    double blocksPerPixel = static_cast<double>(picture.scale()) / cellSide;
    uint64_t stepX = roundTick(tickDistanceX * blocksPerPixel), stepY = roundTick(tickDistanceY * blocksPerPixel);
    writeText(left, top - 24, "key blocks");
    for (uint64_t k = 0; k < grid.keyBlocks; k += stepX)
      writeText(left + offsetOf(k), top - 6, std::to_string(k), " class=\"tick\"");
    svg << "<text transform=\"translate(24 " << top << ") rotate(-90)\" text-anchor=\"end\">query blocks</text>\n";
    for (uint64_t q = 0; q < grid.queryBlocks; q += stepY)
      writeText(left - 8, top + offsetOf(q) + 11, std::to_string(q), " class=\"tick\" text-anchor=\"end\"");
  }

  void writeCells() {
    svg << "<g transform=\"translate(" << left << " " << top << ") scale(" << cellSide
        << ")\" shape-rendering=\"crispEdges\">\n<rect class=\"empty\" width=\"" << picture.columns() << "\" height=\""
        << picture.rows() << "\"/>\n";
    for (const char *kind : {"full", "partial"})
      for (int shade = 1; shade <= shades; ++shade)
        writeShade(kind, shade);
    if (cellSide >= 6)
      writeGrid();
    svg << "</g>\n<rect class=\"frame\" x=\"" << left << "\" y=\"" << top << "\" width=\""
        << picture.columns() * cellSide << "\" height=\"" << picture.rows() * cellSide << "\"/>\n";
  }

  /// 1 to `shades`, in proportion to the share of a cell's blocks that is read; 0 where none is. The darkest is for the
  /// largest share: of a long sequence, cells of a window are hardly filled.
  int shadeOf(uint32_t row, uint32_t column) const {
    double share = picture.shareOf(row, column);
    return share >= largestShare ? (share > 0 ? shades : 0)
                                 : static_cast<int>(std::ceil(share / largestShare * shades));
  }

  /// A cell is of the kind that most of its blocks are of.
  bool isOfKind(uint32_t row, uint32_t column, bool partial, int shade) const {
    const Cell &cell = picture.cell(row, column);
    return (cell.partial > cell.full) == partial && shadeOf(row, column) == shade;
  }

  void writeShade(const std::string &kind, int shade) {
    std::ostringstream path;
    bool partial = kind == "partial";
    for (uint32_t row = 0; row < picture.rows(); ++row)
      for (uint32_t column = 0; column < picture.columns();) {
        uint32_t first = column;
        while (column < picture.columns() && isOfKind(row, column, partial, shade))
          ++column;
        if (column > first)
          path << "M" << first << " " << row << "h" << column - first << "v1h-" << column - first << "z";
        else
          ++column;
      }
    if (path.tellp() > 0)
      svg << "<path class=\"" << kind << "\" fill-opacity=\"" << opacityOf(shade) << "\" d=\"" << path.str()
          << "\"/>\n";
  }

  void writeGrid() {
    svg << "<path class=\"grid\" d=\"";
    for (uint32_t row = 1; row < picture.rows(); ++row)
      svg << "M0 " << row << "h" << picture.columns();
    for (uint32_t column = 1; column < picture.columns(); ++column)
      svg << "M" << column << " 0v" << picture.rows();
    svg << "\"/>\n";
  }

  void writeLegend() {
    uint32_t y = top + bodyHeightOf(picture, cellSide) + 28, x = 16;
    writeEntry(x, y, "full", picture.full());
    if (subject.partial)
      writeEntry(x, y, "partial", picture.partial());
    writeEntry(x, y, "empty", picture.empty());
    if (picture.scale() > 1)
      writeScale(y + 28);
  }

  void writeEntry(uint32_t &x, uint32_t y, const std::string &kind, uint64_t count) {
    svg << "<rect class=\"" << kind << "\" x=\"" << x << "\" y=\"" << y - 12 << "\" width=\"14\" height=\"14\"/>\n";
    std::string text = kind + ": " + std::to_string(count) + " (" + percentage(count, picture.blocks()) + ")";
    writeText(x + 20, y, text);
    x += 40 + 7 * static_cast<uint32_t>(text.size());
  }

  void writeScale(uint32_t y) {
    uint32_t x = 16;
    for (int shade = 1; shade <= shades; ++shade, x += 14)
      svg << "<rect class=\"full\" fill-opacity=\"" << opacityOf(shade) << "\" x=\"" << x << "\" y=\"" << y - 12
          << "\" width=\"14\" height=\"14\"/>\n";
    std::ostringstream text;
    text << "share read of the " << picture.scale() << " x " << picture.scale() << " blocks of a cell, up to "
         << std::setprecision(3) << 100 * largestShare << " %";
    writeText(x + 6, y, text.str());
  }

  const Subject &subject;
  const Picture &picture;
  const uint32_t cellSide, left, top, width, height;
  const double largestShare;
  std::ostringstream svg;
};

} // namespace

std::string toSvg(const Subject &subject, const Picture &picture) {
  return SvgWriter(subject, picture, layOutPage(subject, picture)).write();
}

std::string toBareSvg(const Subject &subject, const Picture &picture) {
  return SvgWriter(subject, picture, layOutCells(picture)).writeBare();
}

} // namespace sparse_attn::tools::mask
