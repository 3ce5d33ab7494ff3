#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <iostream>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_format.h"
#include "client/commands/commands.h"
#include "client/commands/load_statistics.h"
#include "client/commands/shared_flags.h"
#include "core/base/status.h"
#include "core/cli/value_checks.h"

namespace unlasting::client {
namespace {

constexpr char kExamples[] = R"(Examples:
  unlasting load --rate 20 --duration 60 --cells 1,16,256 --json
  unlasting load --concurrency 8 --duration 60 --cells 64

--rate sends calls at random times, however fast the server responds (open loop); --concurrency keeps
that many calls under way (closed loop). The control cells are the model's own. Ctrl-C ends the load
early and prints the figures so far.
)";

using Clock = std::chrono::steady_clock;

struct Flags {
  ClientOptions connection;
  PredictFlags predict;
  std::string cell_type;
  std::vector<int64_t> cells = {16};
  double rate = 0;
  int concurrency = 0;
  double duration = 10;
  int max_in_flight = 256;
  bool profiles = false;
  bool json = false;
};

// The calls of a load, run by threads that are made as they are needed.
class Load {
 public:
  Load(const Flags& flags, Client* client, v1::PredictRequest request)
      : flags_(flags), client_(client), request_(std::move(request)), random_(flags.predict.seed) {}

  nlohmann::json Run() {
    const Clock::time_point start = Clock::now();
    end_ = start + std::chrono::duration_cast<Clock::duration>(
                       std::chrono::duration<double>(flags_.duration));
    if (flags_.concurrency > 0) {
      for (int k = 0; k < flags_.concurrency; ++k) threads_.emplace_back([this] { Closed(); });
    } else {
      Open(start);
    }
    // Threads are made by this one alone.
    for (std::thread& thread : threads_) thread.join();
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    nlohmann::json result = statistics_.Summarize(seconds);
    result["not_sent"] = not_sent_;
    result["interrupted"] = cancelled();
    return result;
  }

 private:
  struct Arrival {
    Clock::time_point due;
    int64_t cells;
  };

  bool cancelled() const { return flags_.connection.cancellation->cancelled(); }

  // With the lock held.
  int64_t DrawCells() {
    return flags_.cells[std::uniform_int_distribution<size_t>(0, flags_.cells.size() - 1)(random_)];
  }

  void Closed() {
    while (Clock::now() < end_ && !cancelled()) {
      int64_t cells;
      {
        const std::lock_guard<std::mutex> lock(mutex_);
        cells = DrawCells();
      }
      Call({Clock::now(), cells});
    }
  }

  void Open(Clock::time_point due) {
    std::exponential_distribution<double> gap(flags_.rate);
    std::unique_lock<std::mutex> lock(mutex_);
    while (true) {
      due +=
          std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(gap(random_)));
      if (due >= end_) break;
      lock.unlock();
      flags_.connection.cancellation->WaitFor(absl::FromChrono(due - Clock::now()));
      lock.lock();
      if (cancelled()) break;
      if (static_cast<int>(waiting_.size()) + busy_ >= flags_.max_in_flight) {
        ++not_sent_;
        continue;
      }
      waiting_.push_back({due, DrawCells()});
      if (static_cast<int>(waiting_.size()) + busy_ > static_cast<int>(threads_.size())) {
        threads_.emplace_back([this] { Serve(); });
      }
      changed_.notify_one();
    }
    closed_ = true;
    changed_.notify_all();
  }

  void Serve() {
    std::unique_lock<std::mutex> lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return closed_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      const Arrival arrival = waiting_.front();
      waiting_.pop_front();
      ++busy_;
      lock.unlock();
      Call(arrival);
      lock.lock();
      --busy_;
    }
  }

  void Call(const Arrival& arrival) {
    v1::PredictRequest request = request_;
    request.mutable_panel()->set_cells(arrival.cells);
    LoadSample sample;
    const absl::Status status = client_->Predict(request, [&](const v1::PredictResponse& part) {
      if (part.has_finished()) {
        sample.queue = part.finished().queue_seconds();
        sample.compute = part.finished().compute_seconds();
        sample.cells = part.finished().rows();
      }
      return absl::OkStatus();
    });
    // Neither done nor failed: the call was given up.
    if (!status.ok() && cancelled()) return;
    sample.ok = status.ok();
    sample.reason = ReasonOf(status);
    if (sample.reason.empty()) sample.reason = absl::StatusCodeToString(status.code());
    sample.latency = std::chrono::duration<double>(Clock::now() - arrival.due).count();
    const std::lock_guard<std::mutex> lock(mutex_);
    statistics_.Add(std::move(sample));
  }

  const Flags& flags_;
  Client* const client_;
  const v1::PredictRequest request_;
  Clock::time_point end_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::mt19937_64 random_;
  std::deque<Arrival> waiting_;
  int busy_ = 0;
  bool closed_ = false;
  int64_t not_sent_ = 0;  // beyond max_in_flight
  LoadStatistics statistics_;
  std::vector<std::thread> threads_;
};

void Print(const nlohmann::json& result) {
  std::cout << absl::StreamFormat("calls      %d, %d failed, %d not sent\n",
                                  result["calls"].get<int64_t>(), result["failed"].get<int64_t>(),
                                  result["not_sent"].get<int64_t>());
  for (const auto& [reason, count] : result["failures"].items()) {
    std::cout << absl::StreamFormat("  %-24s %d\n", reason, count.get<int64_t>());
  }
  std::cout << absl::StreamFormat("rate       %.2f calls/s, %.1f cells/s\n",
                                  result["calls_per_second"].get<double>(),
                                  result["cells_per_second"].get<double>());
  for (const char* key : {"latency_seconds", "queue_seconds", "compute_seconds"}) {
    const auto& times = result[key];
    std::cout << absl::StreamFormat("%-15s  p50 %.4f  p90 %.4f  p99 %.4f  max %.4f\n", key,
                                    times["p50"].get<double>(), times["p90"].get<double>(),
                                    times["p99"].get<double>(), times["max"].get<double>());
  }
}

absl::Status Run(const Flags& flags) {
  if ((flags.rate > 0) == (flags.concurrency > 0)) {
    return absl::InvalidArgumentError(
        "--rate and --concurrency: found neither, expected calls per second or a number of calls "
        "under way");
  }
  UNLASTING_ASSIGN_OR_RETURN(const auto client, Client::Connect(flags.connection));
  UNLASTING_ASSIGN_OR_RETURN(const v1::Model model, client->GetModel(flags.predict.model));
  PredictFlags predict = flags.predict;
  if (predict.genes.empty()) predict.genes = {model.genes(0)};
  UNLASTING_ASSIGN_OR_RETURN(v1::PredictRequest request, MakePredictRequest(predict));
  request.mutable_options()->set_content(flags.profiles ? v1::RESULT_CONTENT_PROFILES
                                                        : v1::RESULT_CONTENT_SUMMARIES);
  request.mutable_panel()->set_cell_type(flags.cell_type.empty() ? model.summary().cell_types(0)
                                                                 : flags.cell_type);
  const nlohmann::json result = Load(flags, client.get(), std::move(request)).Run();
  if (flags.json) {
    std::cout << result.dump() << "\n";
  } else {
    Print(result);
  }
  if (!flags.connection.cancellation->cancelled()) return absl::OkStatus();
  return absl::CancelledError(absl::StrFormat(
      "interrupted after %.1f of %g s; the figures are those of the calls that were done by then",
      result["seconds"].get<double>(), flags.duration));
}

}  // namespace

Command AddLoadCommand(CLI::App* app) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command =
      app->add_subcommand("load", "Send a server a load of calls and report how fast it responds");
  command->footer(kExamples);
  AddConnectionFlags(command, &flags->connection);
  CLI::Option* rate =
      command->add_option("--rate", flags->rate, "Calls per second, at random times (open loop)")
          ->type_name("CALLS")
          ->check(cli::Above(0));
  command
      ->add_option("--concurrency", flags->concurrency,
                   "Calls under way at once, up to 10000 (closed loop)")
      ->type_name("CALLS")
      ->check(cli::Between(1, 10000))
      ->excludes(rate);
  command->add_option("--duration", flags->duration, "How long calls are sent")
      ->type_name("SECONDS")
      ->capture_default_str()
      ->check(cli::Above(0));
  command
      ->add_option("--cells", flags->cells,
                   "Control cells of each call; of several numbers, each call draws one")
      ->delimiter(',')
      ->capture_default_str();
  command->add_option("--cell-type", flags->cell_type,
                      "Type of the control cells (default: the model's first)");
  command
      ->add_option("--gene", flags->predict.genes,
                   "Gene to knock out; repeatable (default: the model's first)")
      ->type_name("GENE")
      ->allow_extra_args(false);
  AddOptionFlags(command, &flags->predict);
  command
      ->add_option(
          "--max-in-flight", flags->max_in_flight,
          "Largest number of calls under way with --rate; a call beyond it is not sent and is "
          "counted as such")
      ->capture_default_str();
  command->add_flag("--profiles", flags->profiles,
                    "Ask for the predicted cells too, not for summaries alone");
  command->add_flag("--json", flags->json, "Print the figures as JSON");
  return [flags](Cancellation* cancellation) {
    flags->connection.cancellation = cancellation;
    return Run(*flags);
  };
}

}  // namespace unlasting::client
