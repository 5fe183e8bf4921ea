// runtime/spawn.h - how go() turns a callable into a G; users see runtime.h.
#pragma once

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

#include "runtime/sched/g.h"
#include "runtime/spawn_site.h"
#include "runtime/stack_class.h"

namespace gorun::runtime::detail {

/// A fresh G from the calling M's caches. Aborts outside a goroutine.
G* acquire_g(StackClass stack, SpawnSite where);

/// Makes a G with its closure in place runnable.
void submit_g(G* gp);

/// Moves `f` into `gp`: in place when it fits, else on the heap. If that throws the G is lost to
/// its pool and the exception is the caller's.
template <class F>
void set_closure(G* gp, F&& f) {
  using Body = std::decay_t<F>;
  static_assert(std::is_invocable_v<Body&>, "a goroutine's body takes no arguments");
  if constexpr (sizeof(Body) <= G::kClosureRoom && alignof(Body) <= 16) {
    ::new (static_cast<void*>(gp->closure)) Body(std::forward<F>(f));
    gp->run = [](void* room) {
      struct Destroy {
        Body* body;
        ~Destroy() { body->~Body(); }
      } const guard{std::launder(static_cast<Body*>(room))};
      (*guard.body)();
    };
  } else {
    ::new (static_cast<void*>(gp->closure)) Body*(new Body(std::forward<F>(f)));
    gp->run = [](void* room) {
      struct Destroy {
        Body* body;
        ~Destroy() { delete body; }
      } const guard{*std::launder(static_cast<Body**>(room))};
      (*guard.body)();
    };
  }
}

template <class F>
void spawn(StackClass stack, F&& f, SpawnSite where) {
  G* gp = acquire_g(stack, where);
  set_closure(gp, std::forward<F>(f));
  submit_g(gp);
}

}  // namespace gorun::runtime::detail
